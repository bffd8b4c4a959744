"""What a unit's program does, in words, for people who read images."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Any

from weft.compiler.backend.mapping import Route
from weft.compiler.netlist.netlist import Pin, Program
from weft.hw.program import Accumulate, Input, InputMode, Pcu, Source, Stage

__all__ = ["describe_program", "describe_tile"]


def describe_tile(name: str, program: Program, routes: Iterable[Route]) -> list[str]:
    """A unit, its program and its streams, a line each."""
    lines = [name, *describe_program(program)]
    for route in routes:
        network, net = route.net.network.value, route.net
        lines += [f"{network} input {pin.port} <- {_pin(net.source)}" for pin in net.targets if pin.unit == name]
        if net.source.unit == name:
            lines.append(f"{network} output {net.source.port} -> {', '.join(map(_pin, net.targets))}")
    return [lines[0], *("  " + line for line in lines[1:])]


def describe_program(program: Program) -> list[str]:
    """What a program does, a line each; fields at their default are left out."""
    if not isinstance(program, Pcu):
        return list(_fields(program))
    return [*_header(program), *_body(program), *_tail(program)]


def _pin(pin: Pin) -> str:
    return f"{pin.unit}.{pin.port}"


def _text(value: Any) -> str:
    return value.name if isinstance(value, IntEnum) else str(value).lower() if isinstance(value, bool) else str(value)


def _fields(program: Any, *, leave: frozenset[str] = frozenset()) -> Iterator[str]:
    """Plain fields on one line, sub-programs on one each."""
    plain: list[str] = []
    rows: list[str] = []
    for field in dataclasses.fields(program):
        value: Any = getattr(program, field.name)
        if field.name in leave:
            continue
        if "rows" in field.metadata:
            for index, row in enumerate(value):
                content = " ".join(_fields(row))
                if content:
                    rows.append(f"{field.name.removesuffix('s')} {index}: {content}")
        elif value != field.default:
            plain.append(f"{field.name}={_text(value)}")
    if plain:
        yield " ".join(plain)
    yield from rows


def _header(program: Pcu) -> Iterator[str]:
    for network, inputs in (("vector", program.vector), ("scalar", program.scalar)):
        for index, each in enumerate(inputs):
            if each.mode is not InputMode.OFF:
                yield f"{network} input {index}: {_input(each)}"
    parts = [f"reference {program.reference.name}"]
    parts += [f"unpack {_text(program.unpack)}"] if program.unpack else []
    parts += [f"rows of {program.unpack_row} steps"] if program.unpack.is_wide else []
    parts += ["odd"] if program.unpack_odd else []
    parts += [f"merge to merge_rank={program.merge_rank}"] if program.merge else []
    yield ", ".join(parts)


def _input(each: Input) -> str:
    return f"HOLD to hold_rank={each.hold_rank}" if each.mode is InputMode.HOLD else each.mode.name


def _body(program: Pcu) -> Iterator[str]:
    for index, stage in enumerate(program.stages):
        if stage != Stage():
            yield f"stage {index}: {_stage(stage)}"
    if program.accumulate is not Accumulate.OFF:
        drain = f" drain_stage={program.drain_stage} drain_stages={program.drain_stages}"
        if program.drain_sum:
            drain = " drains the sum of all" + (", with a beat of vector input 0" if program.drain_scale else "")
        text = f"accumulate {program.accumulate.name} acc_row={program.acc_row} acc_rank={program.acc_rank}"
        text += f" row_lanes={program.row_lanes}" if program.row_lanes else ""
        yield text + (drain if program.accumulate is Accumulate.DRAIN else "")


def _stage(stage: Stage) -> str:
    read = {"a": stage.a}
    read |= {"b": stage.b} if stage.op.reads_b else {}
    read |= {"c": stage.c} if stage.op.reads_c else {}
    const = f"{_int32(stage.const)}" if stage.op.is_integer else _float(stage.const)
    operands = ", ".join(f"{name}={const if each is Source.CONST else each.name}" for name, each in read.items())
    first = f", first const={const}" if stage.op.reads_c and stage.c is Source.ACC else ""
    return f"REG{stage.dst} := {stage.op.name}({operands}){first}"


def _int32(pattern: int) -> int:
    return (pattern & 0x7FFFFFFF) - (pattern & 0x80000000)


def _float(pattern: int) -> str:
    value = struct.unpack("<f", struct.pack("<I", pattern & 0xFFFFFFFF))[0]
    return f"{value:.9g}"


def _tail(program: Pcu) -> Iterator[str]:
    parts = [f"{name} {_text(getattr(program, name))}" for name in ("reduction", "special", "conversion")]
    parts = [part for part in parts if not part.endswith(" NONE")]
    if program.stop_sub or program.stop_add:
        parts.append(f"stop >= {program.stop_rank}: - {program.stop_sub} + {program.stop_add}")
    parts += ["to vector output"] if program.vector_out else []
    parts += ["lane 0 to scalar output"] if program.scalar_out else []
    if parts:
        yield "tail: " + ", ".join(parts)
