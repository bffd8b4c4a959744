"""What there is to count in the Verilog of a fabric: read from the text, not reckoned from the spec."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["VerilogFacts", "count_verilog"]

_MODULE = re.compile(r"^module (\S+?)\s*\((.*?)^endmodule", re.MULTILINE | re.DOTALL)
_MEMORY = re.compile(r"^\s*reg (?:\[(\d+):0\] )?(\S+)\s*\[(\d+):0\];", re.MULTILINE)
_NUMBER = re.compile(r"\$\d+")
_UNITS = {
    "function_units": re.compile(r"\.unit\.stage_\d+\.lane_\d+$"),
    "reduction_nodes": re.compile(r"\.reduction\.tree\.node_\d+_\d+$"),
    "special_functions": re.compile(r"\.unit\.special\.lane_\d+$"),
    "conversions": re.compile(r"\.unit\.conversion\.lane_\d+$"),
}


@dataclass(frozen=True)
class VerilogFacts:
    """Counts over all tiles of a fabric.

    ``arithmetic_units`` by what they are, ``sram_bits`` (memories that are written, so no tables) by kind of tile;
    both with their ``total``.
    """

    arithmetic_units: dict[str, int]
    sram_bits: dict[str, int]


def count_verilog(files: Mapping[str, str], tiles: Mapping[str, int]) -> VerilogFacts:
    """Count in the files ``weft_tile_{kind}.v``, each as often as there are tiles of the kind, and in the rest once."""
    units: Counter[str] = Counter(dict.fromkeys(_UNITS, 0))
    bits: Counter[str] = Counter(dict.fromkeys([*tiles, "chip"], 0))
    for name, text in files.items():
        kind = name.removeprefix("weft_tile_").removesuffix(".v")
        kind, count = (kind, tiles[kind]) if kind in tiles else ("chip", 1)
        for module, body in _MODULE.findall(text):
            plain = _NUMBER.sub("", module)
            units.update({unit: count for unit, pattern in _UNITS.items() if pattern.search(plain)})
            bits[kind] += count * _written_bits(body)
    return VerilogFacts({**units, "total": units.total()}, {**bits, "total": bits.total()})


def _written_bits(body: str) -> int:
    total = 0
    for high, name, last in _MEMORY.findall(body):
        if re.search(rf"^\s*{re.escape(name)}\s*\[.*<=", body, re.MULTILINE):
            total += (int(high or 0) + 1) * (int(last) + 1)
    return total
