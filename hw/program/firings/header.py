"""The header of a PCU, as :mod:`weft.hw.program.pcu` says: which beats of its inputs make which step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from weft.hw.program.firings.merge import makes_steps, merged_of
from weft.hw.program.firings.process import Side, Where
from weft.hw.program.firings.stream import NOTHING, Bools, Ints, Shape
from weft.hw.program.firings.unpacked import Unpacked, unpacked_of
from weft.hw.program.pcu import Input, InputMode, Pcu, Source
from weft.hw.topology import Network

__all__ = ["Header", "Origin", "Take", "header_of", "inputs_of"]

_PACKED: Where = (Network.VECTOR, 0)
_SELECTOR: Where = (Network.SCALAR, 0)
_MERGED: tuple[Where, Where] = ((Network.VECTOR, 0), (Network.VECTOR, 1))


@dataclass(frozen=True)
class Origin:
    """Which beats of an input those are that steps pop, as counts for the first so many, [popped beats + 1].

    ``needed`` must have come for them, ``gone`` are taken with them, ``rest`` with those that follow and make no step.
    """

    needed: Ints
    gone: Ints
    rest: Ints

    @classmethod
    def of_halves(cls, last: Bools) -> Origin:
        """Unpacked beats, of which ``last`` end a packed one."""
        gone = np.append(0, np.cumsum(last))
        return cls(np.append(0, gone[:-1] + 1), gone, gone)

    @classmethod
    def of_kept(cls, keep: Bools) -> Origin:
        """Beats of which only those to ``keep`` make steps."""
        place = np.flatnonzero(keep)
        after = np.append(0, place + 1)
        return cls(after, after, np.append(place, len(keep)))

    def within(self, outer: Origin) -> Origin:
        """The same where the input's beats are what is left of those of ``outer``."""
        return Origin(outer.needed[self.needed], outer.gone[self.gone], outer.gone[self.rest])


@dataclass(frozen=True)
class Take:
    """What ``steps`` steps do at an input.

    ``pops`` are those that pop a beat, increasing; None: each of them. With ``holds`` those that do not pop use one,
    too. ``origin`` says which beats of the input they pop; None: all, in order.
    """

    where: Where
    steps: int
    pops: Ints | None = None
    holds: bool = True
    origin: Origin | None = None

    @cached_property
    def popped(self) -> int:
        """Beats popped in a step."""
        return self.steps if self.pops is None else int(np.searchsorted(self.pops, self.steps))

    @property
    def total(self) -> int:
        """Beats of the input that are taken."""
        return self.popped if self.origin is None else int(self.origin.rest[self.popped])

    def _pops(self) -> Ints:
        if self.pops is None:
            return np.ones(self.steps, np.int64)
        each = np.zeros(self.steps, np.int64)
        each[self.pops[: self.popped]] = 1
        return each

    def used(self) -> slice | Ints:
        """Which of the beats that are popped each step uses, [steps]."""
        if self.pops is None:
            return slice(0, self.steps)
        each = self._pops()
        return np.cumsum(each) - each

    def _firings(self) -> tuple[Ints, Ints]:
        each = self._pops()
        done = np.cumsum(each)
        needs = done - each + 1 if self.holds else done
        if self.origin is not None:
            needs, done = self.origin.needed[needs], self.origin.gone[done]
            done[-1:] = self.total
            needs[-1:] = np.maximum(needs[-1:], self.total)
        return needs, done

    @property
    def side(self) -> Side:
        """The same as counts."""
        return Side(self.where, self.total, self._firings)


@dataclass(frozen=True)
class Header:
    """The steps that the header makes, and what they do at each input that is used.

    ``halves`` is what vector input 0 brings, where it brings packed beats. ``kept`` says which beats of vector inputs 0
    and 1 of a merge make steps.
    """

    steps: Shape
    takes: Mapping[Where, Take]
    halves: Unpacked | None = None
    kept: tuple[Bools, ...] = ()


def inputs_of(program: Pcu) -> dict[Where, Input]:
    """The inputs without which there is no step. Of a merge there is one more, that which the selector names."""
    if program.unpack.is_wide:
        return {_PACKED: Input(InputMode.EACH), _SELECTOR: Input(InputMode.EACH)}
    modes: dict[Where, Input] = {(Network.VECTOR, i): each for i, each in enumerate(program.vector)}
    modes |= {(Network.SCALAR, i): each for i, each in enumerate(program.scalar)}
    active = {where: each for where, each in modes.items() if each.mode is not InputMode.OFF}
    return active | {_SELECTOR: Input(InputMode.HOLD, program.merge_rank)} if program.merge else active


def header_of(program: Pcu, given: Mapping[Where, Shape]) -> Header:
    """The steps that these streams make, as many as they are enough for. The words of a merge's selector are known."""
    streams, origins, halves = dict(given), dict[Where, Origin](), None
    if program.unpack and not program.unpack_both and _PACKED in given:
        halves = unpacked_of(program, given[_PACKED])
        streams[_PACKED], origins[_PACKED] = halves.shape, Origin.of_halves(halves.last)
    inputs, kept, ports = inputs_of(program), tuple[Bools, ...](), None
    if program.merge:
        merged = [streams.get(where, NOTHING) for where in _MERGED]
        kept = tuple(makes_steps(program, each) for each in merged)
        merged = [Shape(each.stop[keep], each.void[keep]) for each, keep in zip(merged, kept, strict=True)]
        made = merged_of(program, merged, streams.get(_SELECTOR, NOTHING))
        reference, ports = made.steps, made.port
    else:
        network = Network.SCALAR if program.reference >= Source.SCALAR0 else Network.VECTOR
        refers = network, program.reference & 7
        reference = streams.get(refers, NOTHING) if refers in inputs else NOTHING
    pops = {
        where: np.flatnonzero(reference.stop >= each.hold_rank)
        for where, each in inputs.items()
        if each.mode is InputMode.HOLD
    }
    steps = min(
        (_steps(len(reference), pops.get(where), len(streams.get(where, NOTHING))) for where in inputs), default=0
    )
    takes = {where: Take(where, steps, pops.get(where), origin=origins.get(where)) for where in inputs}
    for port, where in enumerate(_MERGED if ports is not None else ()):
        origin = Origin.of_kept(kept[port]) if program.merge_empty else None
        if origin is not None and where in origins:
            origin = origin.within(origins[where])
        takes[where] = Take(where, steps, np.flatnonzero(ports == port), False, origin or origins.get(where))
    return Header(Shape(reference.stop[:steps], reference.void[:steps]), takes, halves, kept)


def _steps(most: int, pops: Ints | None, beats: int) -> int:
    """Steps up to the one that pops the last of an input's beats, which are popped in each step or in those given."""
    if pops is None or not beats:
        return min(most, beats)
    return most if len(pops) < beats else int(pops[beats - 1]) + 1
