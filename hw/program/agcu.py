"""The program of an address generation and coalescing unit.

An AGCU runs its loop nest once for each launch (after the token of its control input with ``wait_token``), or,
with ``indexed``, once for each beat of its scalar input until one with a stop ``>= end_rank``. Level 0 is the
innermost; the byte address of a vector beat is ``base + sum(index_l * stride_l)``, plus ``args[arg_a] + args[arg_b]``
vector beats, plus ``index_stride`` times the scalar beat's value, an int32, with ``indexed``; all modulo 1 TiB. A bound
is ``args[bound_arg]`` if ``bound_arg`` is not 0. Argument 0 reads as zero.

All fields of an address are multiples of a vector beat. Here they are bytes; configuration words and hardware count
vector beats (``FabricSpec.address_bits`` of them), so no access is misaligned.

An empty dimension is one void beat (STeP, SAM). So a level with a bound of 0 makes exactly one iteration, which is one
void beat whatever the levels inside it; the levels outside it run as ever. A nest [4, 0] makes four void beats, [0, 21]
one. Void beats have no address.

``LOAD``   sends the beats of the nest, ``lanes`` words each, neighbouring addresses coalesced into bursts; never
           more in flight than its buffer has room for, so that a consumer that stalls never blocks a channel. The stop
           of a beat is the ``rank`` of the highest level that ends with it; the beat that ends the nest carries
           ``end_rank``, with ``indexed``: ``nest_rank`` plus the scalar beat's stop. Void beats are zeros; they read
           nothing from memory and need no channel. A void scalar beat makes one void beat.
``STORE``  writes the beats of its vector input to the addresses of the nest, which begins anew when it ends, until
           one with a stop ``>= end_rank``, be it void. Void beats are not written. A nest with a bound of 0 and a
           void scalar beat give no address; beats without an address are taken and dropped. With ``pack``, two beats
           become one of bf16 pairs (the first in the low halves); a stop pads an odd last one with zeros.
``SINK``   consumes the beats of its vector input until one with a stop ``>= end_rank``, and discards them.

A load can bring several matrices in a turn, one after the other in one stream: after its nest it goes through those of
``parts``, as long as they have beats. Such a load has constant bounds of at least 1 and no ``indexed``. The nest of a
part is that of ``levels`` with the bounds of the part, and begins ``offset`` bytes after the first one; each nest ends
with a stop of ``end_rank``. All of them go through neighbouring addresses: the stride of level 0 counts, no other.

With ``emit_arg`` not 0, each turn first sends ``args[emit_arg]`` as a scalar beat (stop 0). With ``done_token`` a
control beat (stop 0) follows when all is done: for a store, when memory has acknowledged the last burst.

A launch iterates all of this ``turns`` times (kernel looping, arXiv 2410.23668). AGCUs do not wait for each other, so
loads run ahead. In turn ``i``, from 0, ``i * turn_stride`` is added to the address. ``works`` says in which turns the
unit waits for its token and moves beats; in the others it takes and sends none. ``tells`` says in which turns the done
token is sent. With ``emit_turn`` it is the number of the turn that each turn first sends, as an int32.

With ``rounds_arg`` not 0 a launch repeats all its turns ``args[rounds_arg]`` times, at least once: in round ``r``,
from 0, ``r * round_stride`` is added to the address, and ``r`` to the bound of each level that ``grows``. ``works`` and
``tells`` are about turns of the same round. With ``wait_later`` no token is waited for in the first round. With
``tells_next`` the done token is sent only at the beginning of each round but the first, and says that the round before
is done. A launch is over when every AGCU of its context is done with its rounds.

An access outside ``[segment_base, segment_base + segment_size)`` is refused: it never reaches the channel, the unit
reports the violation, sends zeros in its place (LOAD) or drops it (STORE), and the launch ends as failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from weft.hw.fields import bits, rows
from weft.hw.spec import FabricSpec

__all__ = ["BOUND_BITS", "Agcu", "AgcuKind", "AgcuLevel", "AgcuPart", "When"]

BOUND_BITS = 24
"""Of an argument that holds iterations or rounds, so many low bits are read."""


class AgcuKind(IntEnum):
    """What the unit does in a launch."""

    OFF = 0
    LOAD = 1
    STORE = 2
    SINK = 3


class When(IntEnum):
    """Turns of a launch."""

    EVERY = 0
    FIRST = 1
    LATER = 2
    """all but the first"""
    LAST = 3
    EARLIER = 4
    """all but the last"""

    def holds(self, turn: int, turns: int) -> bool:
        """Whether turn ``turn``, from 0, of ``turns`` is meant."""
        last = max(turns, 1) - 1
        if turn > last:
            return False
        return [True, turn == 0, turn > 0, turn == last, turn < last][self]


def _rank(spec: FabricSpec) -> int:
    return spec.stop_bits


def _arg(spec: FabricSpec) -> int:
    return spec.arguments.bit_length()


def _address(spec: FabricSpec) -> int:
    return spec.address_bits


def _beat(spec: FabricSpec) -> int:
    return spec.beat_bytes


@dataclass(frozen=True)
class AgcuLevel:
    """One loop of the nest."""

    bound: int = bits(BOUND_BITS, "iterations", 1)
    bound_arg: int = bits(_arg, "argument that holds the iterations instead; 0: none")
    stride: int = bits(_address, "bytes between iterations, signed", grain=_beat)
    rank: int = bits(_rank, "stop of a beat that ends this level and no higher one")
    grows: bool = bits(1, "one iteration more each round", False, kind=bool)


@dataclass(frozen=True)
class AgcuPart:
    """A matrix that a load brings after others: iterations of the three innermost levels."""

    offset: int = bits(_address, "bytes from the first nest to this part, signed", grain=_beat)
    beats: int = bits(BOUND_BITS, "iterations of level 0; 0: there is no such part, nor one after it")
    rows: int = bits(BOUND_BITS, "iterations of level 1", 1)
    tiles: int = bits(BOUND_BITS, "iterations of level 2", 1)

    @property
    def bounds(self) -> tuple[int, int, int]:
        """Iterations, the innermost level first."""
        return self.beats, self.rows, self.tiles


@dataclass(frozen=True)
class Agcu:
    """An AGCU's program; see the module's text for its meaning."""

    kind: AgcuKind = bits(2, "what the unit does", AgcuKind.OFF, kind=AgcuKind)
    base: int = bits(_address, "byte address", grain=_beat)
    arg_a: int = bits(_arg, "argument added to base, in vector beats")
    arg_b: int = bits(_arg, "argument added to base, in vector beats")
    levels: tuple[AgcuLevel, ...] = rows(AgcuLevel, lambda s: s.agcu_levels, "the loop nest, innermost first")
    parts: tuple[AgcuPart, ...] = rows(AgcuPart, lambda s: s.agcu_parts - 1, "nests that follow in a turn of a load")
    end_rank: int = bits(_rank, "stop of the last beat of a nest (LOAD); ends the launch (STORE, SINK, indexed)")
    indexed: bool = bits(1, "the nest runs for each beat of the scalar input", False, kind=bool)
    index_stride: int = bits(_address, "bytes for each unit of the scalar beat, signed", grain=_beat)
    nest_rank: int = bits(_rank, "indexed LOAD: rank of the nest, added to the scalar beat's stop")
    pack: bool = bits(1, "STORE: make bf16 pairs of two beats", False, kind=bool)
    emit_arg: int = bits(_arg, "argument sent as a scalar beat at the launch; 0: none")
    wait_token: bool = bits(1, "begin after a beat of the control input", False, kind=bool)
    done_token: bool = bits(1, "send a control beat when done", False, kind=bool)
    turns: int = bits(12, "times that a launch goes through the program, at least 1", 1)
    turn_stride: int = bits(_address, "bytes added to the address from turn to turn, signed", grain=_beat)
    works: When = bits(3, "turns in which beats are moved", When.EVERY, kind=When)
    tells: When = bits(3, "turns in which the done token is sent", When.EVERY, kind=When)
    emit_turn: bool = bits(1, "each turn sends its number as a scalar beat", False, kind=bool)
    rounds_arg: int = bits(_arg, "argument that holds how often all turns are gone through; 0: once")
    round_stride: int = bits(_address, "bytes added to the address from round to round, signed", grain=_beat)
    wait_later: bool = bits(1, "no token is waited for in the first round", False, kind=bool)
    tells_next: bool = bits(1, "the done token is sent when the next round begins, and only then", False, kind=bool)
    priority: int = bits(4, "of requests in the same turn, those of a lower number go first")
    segment_base: int = bits(_address, "first byte that may be accessed", grain=_beat)
    segment_size: int = bits(lambda s: s.address_bits + 1, "bytes that may be accessed", grain=_beat)

    def works_in(self, turn: int) -> bool:
        """Whether beats are moved in a turn, from 0."""
        return self.works.holds(turn, self.turns)

    def waits_in(self, turn: int, turn_round: int = 0) -> bool:
        """Whether a token is waited for in a turn of a round, both from 0."""
        return self.wait_token and self.works_in(turn) and not (self.wait_later and turn_round == 0)

    def tells_in(self, turn: int, turn_round: int = 0) -> bool:
        """Whether the done token is sent in a turn of a round, both from 0."""
        told = turn == 0 and turn_round > 0 if self.tells_next else self.tells.holds(turn, self.turns)
        return self.done_token and told

    def rounds(self, arguments: Mapping[int, int]) -> int:
        """Rounds of a launch with these arguments."""
        return max(1, arguments.get(self.rounds_arg, 0) % (1 << BOUND_BITS)) if self.rounds_arg else 1
