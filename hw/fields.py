"""Configuration fields: declared once as a dataclass beside a unit, laid out here for everybody.

A unit's program is a frozen dataclass whose fields are made with :func:`bits`, :func:`rows` and nothing
else. :class:`Layout` gives each a place in the unit's configuration words: fields follow each other from bit
0 of word 0 upwards, without gaps, in the order of their declaration. Hardware decode, image writer, image
reader and documentation all read this layout.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Generic, TypeVar

from weft.hw.spec import FabricSpec

__all__ = ["SIGNED_FIELDS", "Layout", "Place", "bits", "rows"]

Width = int | Callable[[FabricSpec], int]
P = TypeVar("P")


def bits(width: Width, text: str, default: Any = 0, *, kind: type = int, grain: Width = 1) -> Any:
    """A field of ``width`` bits; ``kind`` is ``int``, ``bool`` or an ``IntEnum``. Negative: two's complement.

    The value is a multiple of ``grain``, and the bits hold which one.
    """
    return dataclasses.field(default=default, metadata={"width": width, "text": text, "kind": kind, "grain": grain})


def rows(program: type, count: Width, text: str) -> Any:
    """A tuple of ``count`` sub-programs; missing ones are all defaults."""
    return dataclasses.field(default=(), metadata={"rows": program, "count": count, "text": text})


@dataclass(frozen=True)
class Place:
    """Where a field lies: its dotted path, first bit, width, and what it means. The bits count ``grain``s."""

    path: str
    offset: int
    width: int
    kind: type
    text: str
    grain: int = 1


def _resolve(width: Width, spec: FabricSpec) -> int:
    return width if isinstance(width, int) else width(spec)


class Layout(Generic[P]):
    """The places of a program's fields on a fabric of ``spec``.

    Parameters
    ----------
    program
        Frozen dataclass that declares the fields.
    spec
        Decides widths and counts.
    """

    def __init__(self, program: type[P], spec: FabricSpec) -> None:
        self.program = program
        self.spec = spec
        self.places = tuple(self._walk(program, "", 0))
        last = self.places[-1]
        self.bits = last.offset + last.width
        self.words = -(-self.bits // 32)

    def _walk(self, program: type, prefix: str, offset: int) -> Iterator[Place]:
        for field in dataclasses.fields(program):
            meta = field.metadata
            if "rows" not in meta:
                width = _resolve(meta["width"], self.spec)
                grain = _resolve(meta["grain"], self.spec)
                yield Place(prefix + field.name, offset, width, meta["kind"], meta["text"], grain)
                offset += width
                continue
            for index in range(_resolve(meta["count"], self.spec)):
                for place in self._walk(meta["rows"], f"{prefix}{field.name}.{index}.", offset):
                    yield place
                    offset = place.offset + place.width

    def pack(self, program: P) -> list[int]:
        """The 32-bit configuration words of a program.

        Raises
        ------
        ValueError
            A value that does not fit its field or is no multiple of its grain, or more sub-programs than the fabric
            has.
        """
        total = 0
        for place, given in zip(self.places, self._values(program), strict=True):
            value, rest = divmod(int(given), place.grain)
            if rest:
                raise ValueError(f"{place.path} must be a multiple of {place.grain}, not {given}")
            signed = place.path.rpartition(".")[2] in SIGNED_FIELDS
            low, high = (-1 << place.width - 1, 1 << place.width - 1) if signed else (0, 1 << place.width)
            if not low <= value < high:
                raise ValueError(f"{place.path} must fit {place.width} bits, not {int(given)}")
            total |= (value & ((1 << place.width) - 1)) << place.offset
        return [total >> (32 * word) & 0xFFFFFFFF for word in range(self.words)]

    def unpack(self, words: list[int]) -> P:
        """The program in configuration words; signed fields (stride, offset) come back signed."""
        total = sum(word << (32 * index) for index, word in enumerate(words))
        values = {}
        for place in self.places:
            raw = total >> place.offset & ((1 << place.width) - 1)
            if place.path.rpartition(".")[2] in SIGNED_FIELDS and raw >> (place.width - 1):
                raw -= 1 << place.width
            values[place.path] = raw * place.grain if place.kind is int else place.kind(raw)
        return self._build(self.program, "", values)

    def _build(self, program: type[Any], prefix: str, values: dict[str, Any]) -> Any:
        arguments: dict[str, Any] = {}
        for field in dataclasses.fields(program):
            if "rows" in field.metadata:
                count = _resolve(field.metadata["count"], self.spec)
                arguments[field.name] = tuple(
                    self._build(field.metadata["rows"], f"{prefix}{field.name}.{index}.", values)
                    for index in range(count)
                )
            else:
                arguments[field.name] = values[prefix + field.name]
        return program(**arguments)

    def _values(self, program: Any) -> Iterator[int | IntEnum]:
        """The values of a program's fields, in the order of the places."""
        for field in dataclasses.fields(program):
            value = getattr(program, field.name)
            if "rows" not in field.metadata:
                yield value
                continue
            count = _resolve(field.metadata["count"], self.spec)
            if len(value) > count:
                raise ValueError(f"{field.name} must have at most {count} entries on this fabric, not {len(value)}")
            rest = field.metadata["rows"]()
            for index in range(count):
                yield from self._values(value[index] if index < len(value) else rest)


SIGNED_FIELDS = frozenset({"stride", "offset", "index_stride", "write_stride"})
"""Fields whose value is two's complement."""
