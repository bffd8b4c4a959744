"""The hand-written sources of the native arithmetic, and the tables that they need."""

from __future__ import annotations

from pathlib import Path

from weft.hw.numerics.special import LOG2_E, LOG2_E_BITS, SATURATED_EXPONENT
from weft.hw.numerics.tables import (
    ARGUMENT_BITS,
    C1_BITS,
    DELTA_BITS,
    RECIPROCAL_SEGMENTS,
    RSQRT_SEGMENTS,
    SHORT_DELTA_BITS,
    SQUARE_SHIFT,
    Segment,
    exp2_table,
    inverse_table,
)

__all__ = ["native_cpp", "native_verilog"]

_HERE = Path(__file__).parent


def native_verilog() -> dict[str, str]:
    """The modules that call the native functions, text by file name."""
    return _texts("*.sv")


def native_cpp() -> dict[str, str]:
    """The native functions: C++ and headers by file name, ``weft_native_tables.h`` from `weft.hw.numerics.tables`."""
    return {**_texts("*.cpp"), **_texts("*.h"), "weft_native_tables.h": _tables()}


def _texts(pattern: str) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(_HERE.glob(pattern))}


def _tables() -> str:
    constants = {
        "ARGUMENT_BITS": ARGUMENT_BITS,
        "C1_BITS": C1_BITS,
        "DELTA_BITS": DELTA_BITS,
        "SHORT_DELTA_BITS": SHORT_DELTA_BITS,
        "SQUARE_SHIFT": SQUARE_SHIFT,
        "RECIPROCAL_SEGMENTS": RECIPROCAL_SEGMENTS,
        "RSQRT_SEGMENTS": RSQRT_SEGMENTS,
        "LOG2_E_BITS": LOG2_E_BITS,
        "SATURATED_EXPONENT": SATURATED_EXPONENT,
    }
    lines = ["// From hw/numerics by hw/native/sources.py.", "#pragma once", "#include <cstdint>"]
    lines += [f"constexpr int {name} = {value};" for name, value in constants.items()]
    lines += [f"constexpr int64_t LOG2_E = {LOG2_E:#x};", "struct Segment { int64_t c0, c1, c2; };"]
    lines += [_table("EXP2", exp2_table()), _table("INVERSE", inverse_table())]
    return "\n".join(lines) + "\n"


def _table(name: str, segments: tuple[Segment, ...]) -> str:
    rows = ",\n".join(f"    {{{segment.c0:#x}, {segment.c1:#x}, {segment.c2:#x}}}" for segment in segments)
    return f"constexpr Segment {name}[] = {{\n{rows}}};"
