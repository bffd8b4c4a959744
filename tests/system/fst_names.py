"""The names in an FST file, read with no tool but Python."""

from __future__ import annotations

import struct
from pathlib import Path

_HIERARCHY = {4: "gzip", 6: "lz4"}
_SCOPE, _UPSCOPE, _ATTRIBUTE, _ATTRIBUTE_END = 254, 255, 252, 253


def fst_names(path: Path) -> dict[str, int]:
    """Width in bits of each signal, by its full name with dots, without the range of bits."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        kind, size = data[at], struct.unpack_from(">Q", data, at + 1)[0]
        if kind in _HIERARCHY:
            assert _HIERARCHY[kind] == "lz4", "Verilator compresses the hierarchy with LZ4"
            length = struct.unpack_from(">Q", data, at + 9)[0]
            return _names(_unpacked(data[at + 17 : at + 1 + size], length))
        at += 1 + size
    raise AssertionError(f"{path} has no hierarchy: was it closed?")


def _unpacked(packed: bytes, length: int) -> bytes:
    """An LZ4 block."""
    out, at = bytearray(), 0

    def extended(count: int) -> int:
        nonlocal at
        while count >= 15:
            more = packed[at]
            at += 1
            count += more
            if more < 255:
                break
        return count

    while at < len(packed):
        token = packed[at]
        at += 1
        literals = extended(token >> 4)
        out += packed[at : at + literals]
        at += literals
        if at >= len(packed):
            break
        back = int.from_bytes(packed[at : at + 2], "little")
        at += 2
        for _ in range(extended(token & 15) + 4):
            out.append(out[-back])
    assert len(out) == length
    return bytes(out)


def _names(data: bytes) -> dict[str, int]:
    found: dict[str, int] = {}
    scopes: list[str] = []
    at = 0

    def text() -> str:
        nonlocal at
        end = data.index(0, at)
        piece, at = data[at:end].decode(), end + 1
        return piece

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        tag = data[at]
        at += 1
        if tag == _SCOPE:
            at += 1
            scopes.append(text())
            text()
        elif tag == _UPSCOPE:
            scopes.pop()
        elif tag == _ATTRIBUTE:
            at += 2
            text()
            number()
        elif tag != _ATTRIBUTE_END:
            at += 1
            name = text().split()[0]
            width = number()
            number()
            found[".".join([*scopes, name])] = width
    return found
