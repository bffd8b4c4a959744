"""The program of a pattern memory unit.

The scratchpad has ``pmu_lines`` *lines* of ``lanes`` words; word address ``w`` is word ``w mod lanes`` of line
``w // lanes``. It is a ring of ``blocks`` buffers of ``block_lines`` lines. The write side fills a buffer and hands it
over whole to the read side (the token), which returns it once it is read (the credit). The two sides run at once, one
beat a cycle each.

**Write side** (STeP's Bufferize). Beats from the chosen port fill the current buffer, a vector beat a line, a scalar
beat a word; a scalar beat for word 0 of a line clears the others. By default they follow each other from the buffer's
start on. In general the address of a beat kept is that of a loop nest: the sum of ``index * stride`` over
``write_levels``, the innermost first, and ``index * write_stride`` of a level around them that has no end. All of them
must lie in the buffer, and what is read must have been written. The block fills the lines up to the last one written.

A block ends with a beat of stop ``>= write_rank`` and then is handed
over, with its outer stop ``stop - write_rank``. Of the beats of a block, counted from 0, only those with
``write_from <= i < write_to`` are kept (``write_to = 0`` is no limit); this is how one tensor spans several PMUs. A
void beat is never kept nor counted, but ends a block like any other. Of every ``period`` blocks, counted from 0 since
the launch, only those with ``block_from <= i < block_to`` are kept, the others are taken and forgotten (``period = 0``:
all are kept).

**Read side** (STeP's Streamify). Each *run* walks the loop nest once over the oldest buffer and sends its
beats. Level 0 is the innermost. The address of a beat is ``offset + sum(index_l * stride_l)``, in lines for a
vector read, in words for a scalar read, from the buffer's start. The stop of a beat is the ``rank`` of the
highest level that ends with it; the beat that ends the nest carries ``read_rank + outer``. With ``by_length``
level 0 runs over the beats that the block has kept instead of ``bound``. A run over a block that has kept none is one
void beat with ``read_rank + outer``, whatever the levels and the trigger say: it reads nothing.

With ``transposed`` a vector read goes across the lines, as fast: its addresses are words, and lane ``i`` of a beat at
address ``l * lanes + c`` is word ``c`` of line ``l + i``. Line ``l`` must be one of those that the block fills; lanes
whose line lies past the last of them are 0. With ``by_length`` level 0 then runs once for every ``lanes`` of these
lines, the last of them rounded up. A scalar read is the same with it and without.

``trigger`` says when a run starts and what ``outer`` is:

=========== ===========================================================================================
``BLOCK``   once for each block; ``outer`` is the block's; the buffer is then given back
``CONTROL`` once for each beat of the control input; ``outer`` is that beat's stop; the buffer is given
            back after a run whose beat has a stop ``>= free_rank``
``ADDRESS`` the same with the second scalar input, whose value (int32) is added to ``offset``; a void beat gives
            one void beat
``LENGTH``  the same with the second scalar input, whose value (int32) is the number of iterations of level 0,
            whatever ``bound`` and ``by_length`` say, at most ``2 * pmu_words - 1``; a void beat and a value of 0
            or less give one void beat
=========== ===========================================================================================

With ``control_out`` each run also sends its ``outer`` as a control beat.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from weft.hw.fields import bits, rows
from weft.hw.spec import FabricSpec

__all__ = ["WRITE_LEVELS", "Pmu", "PmuLevel", "Port", "Trigger", "WriteLevel"]

WRITE_LEVELS = 2
"""Loops of the write side that have an end."""

Ints = NDArray[np.int64]


class Port(IntEnum):
    """Which network a side uses."""

    OFF = 0
    VECTOR = 1
    SCALAR = 2


class Trigger(IntEnum):
    """What starts a run of the read side."""

    BLOCK = 0
    CONTROL = 1
    ADDRESS = 2
    LENGTH = 3

    @property
    def by_scalar(self) -> bool:
        """Whether beats of the second scalar input start runs."""
        return self in (Trigger.ADDRESS, Trigger.LENGTH)


_BLOCK = 24
"""Bits that count blocks: of a FIFO for matrices each beat is one."""


def _rank(spec: FabricSpec) -> int:
    return spec.stop_bits


def _words(spec: FabricSpec) -> int:
    return spec.pmu_words.bit_length()


def _stride(spec: FabricSpec) -> int:
    return spec.pmu_words.bit_length() + 1


@dataclass(frozen=True)
class PmuLevel:
    """One loop of the read side."""

    bound: int = bits(_words, "iterations, at least 1", 1)
    stride: int = bits(_stride, "lines or words between iterations, signed")
    rank: int = bits(_rank, "stop of a beat that ends this level and no higher one")


@dataclass(frozen=True)
class WriteLevel:
    """One loop of the write side."""

    bound: int = bits(_words, "iterations, at least 1", 1)
    stride: int = bits(_stride, "lines or words between iterations, signed")


@dataclass(frozen=True)
class Pmu:
    """A PMU's program; see the module's text for its meaning."""

    write: Port = bits(2, "where beats to keep come from", Port.OFF, kind=Port)
    write_rank: int = bits(_rank, "a block ends with a stop of at least this rank")
    write_from: int = bits(_words, "first beat of a block that is kept")
    write_to: int = bits(_words, "first beat of a block that is kept no more; 0: none")
    period: int = bits(_BLOCK, "blocks after which the choice of blocks begins anew; 0: all are kept")
    block_from: int = bits(_BLOCK, "first block of a period that is kept")
    block_to: int = bits(_BLOCK, "first block of a period that is kept no more")
    block_lines: int = bits(_words, "lines of a buffer", 1)
    blocks: int = bits(_words, "buffers in the ring", 1)
    read: Port = bits(2, "where beats read go", Port.OFF, kind=Port)
    trigger: Trigger = bits(2, "what starts a run", Trigger.BLOCK, kind=Trigger)
    free_rank: int = bits(_rank, "but for BLOCK: a stop of at least this rank gives the buffer back")
    offset: int = bits(_stride, "address of the first beat in the buffer")
    levels: tuple[PmuLevel, ...] = rows(PmuLevel, lambda s: s.pmu_levels, "the loop nest, innermost first")
    by_length: bool = bits(1, "level 0 runs over the beats kept", False, kind=bool)
    write_levels: tuple[WriteLevel, ...] = rows(WriteLevel, WRITE_LEVELS, "where beats kept go, innermost first")
    write_stride: int = bits(_stride, "lines or words between rounds of the write levels, signed", 1)
    transposed: bool = bits(1, "lane i of a vector read is a word of the i-th line from its address", False, kind=bool)
    read_rank: int = bits(_rank, "rank of the whole nest, added to the outer stop")
    control_out: bool = bits(1, "each run sends a control beat", False, kind=bool)

    def write_addresses(self, beats: Ints) -> Ints:
        """Where beats kept of a block go, numbered from 0: lines or words from the buffer's start."""
        rounds, address = beats, np.zeros_like(beats)
        for level in self.write_levels:
            bound = max(1, level.bound)
            address, rounds = address + rounds % bound * level.stride, rounds // bound
        return address + rounds * self.write_stride

    def lines_filled(self, kept: Ints, *, lanes: int) -> Ints:
        """Lines that blocks of so many beats fill."""
        address = self.write_addresses(np.arange(int(kept.max(initial=0))))
        line = address // lanes if self.write is Port.SCALAR else address
        return np.maximum.accumulate(np.append(0, line + 1))[kept]
