"""CRC-32 of 32-bit words."""

from __future__ import annotations

from functools import cache

from amaranth.hdl import Cat, Value

__all__ = ["CRC_INITIAL", "next_crc"]

CRC_INITIAL = 0xFFFF_FFFF
"""State before the first word; the CRC is the state after the last one, inverted (IEEE 802.3, as zlib's)."""

_POLYNOMIAL = 0xEDB8_8320  # reflected: bit 0 is the first on the wire


def _after_a_word(state: int) -> int:
    for _ in range(32):
        state = state >> 1 ^ (_POLYNOMIAL if state & 1 else 0)
    return state


@cache
def _masks() -> tuple[int, ...]:
    """For each bit of the next state, the bits of ``state ^ word`` whose parity it is: the step is linear."""
    columns = [_after_a_word(1 << bit) for bit in range(32)]
    return tuple(sum((column >> row & 1) << bit for bit, column in enumerate(columns)) for row in range(32))


def next_crc(state: Value, word: Value) -> Value:
    """State after a little-endian word of 32 bits; an XOR network, about 16 inputs a bit."""
    mixed = state ^ word
    return Cat((mixed & mask).xor() for mask in _masks())
