"""Loop nests as closed forms, and runs of a nest one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np

from weft.hw.program.firings.stream import Bools, Ints, Shape, Stops

__all__ = ["Loop", "Nest", "Parts", "Walk"]


@dataclass(frozen=True)
class Loop:
    """A level of a nest: its iterations, what each adds to the address, the stop of a beat that ends it."""

    count: int
    stride: int
    rank: int


@dataclass(frozen=True)
class Nest:
    """Loops, the innermost first. All beats of a nest that is ``empty`` are void."""

    loops: tuple[Loop, ...]
    empty: bool = False

    def __len__(self) -> int:
        return prod(loop.count for loop in self.loops)

    def of_length(self, count: int) -> Nest:
        """The same with so many iterations of the innermost loop."""
        return replace(self, loops=(replace(self.loops[0], count=count), *self.loops[1:]))

    def offsets(self, beats: int | None = None) -> Ints:
        """What each beat adds to the address of the first one, [beats]; the nest begins anew when it ends."""
        beats = len(self) if beats is None else beats
        offsets = np.zeros(1, np.int64)
        for loop in self.loops:
            if loop.count == 1:
                continue
            if len(offsets) >= beats:
                break
            offsets = (np.arange(loop.count, dtype=np.int64)[:, None] * loop.stride + offsets).ravel()
        return offsets[:beats] if beats <= len(offsets) else np.resize(offsets, beats)

    def stops(self) -> Stops:
        """The stop of each beat, [beats]. The nest alone does not say that of its last beat."""
        stops, size = np.zeros(len(self), np.uint8), 1
        for loop in self.loops:
            size *= loop.count
            stops[size - 1 :: size] = loop.rank
        return stops


@dataclass(frozen=True)
class Walk:
    """Runs of a nest one after the other.

    ``length`` are the iterations of the innermost loop in each, 0 for a run that is one void beat; ``ends`` is the stop
    of its last beat, [runs].
    """

    nest: Nest
    length: Ints
    ends: Stops

    @cached_property
    def sizes(self) -> Ints:
        """Beats of each run, [runs]."""
        return np.maximum(1, self.length * prod(loop.count for loop in self.nest.loops[1:]))

    @cached_property
    def after(self) -> Ints:
        """Beats up to the end of each run, [runs]."""
        return np.cumsum(self.sizes)

    @property
    def beats(self) -> int:
        """Beats of all runs."""
        return int(self.after[-1]) if len(self.after) else 0

    def alike(self) -> Iterator[tuple[Nest, Ints]]:
        """Nests, and the runs that go through each; not those that are one void beat."""
        if len(self.length) and (self.length == self.length[0]).all():
            if self.length[0]:
                yield self.nest.of_length(int(self.length[0])), np.arange(len(self.length))
            return
        for length in np.unique(self.length[self.length > 0]).tolist():
            yield self.nest.of_length(length), np.flatnonzero(self.length == length)

    def places(self, nest: Nest, runs: Ints) -> Ints:
        """Where the beats of these runs of a nest stand among all beats, [runs, beats]."""
        return (self.after - self.sizes)[runs][:, None] + np.arange(len(nest))

    @cached_property
    def stops(self) -> Stops:
        """The stop of each beat, [beats]."""
        stops = np.zeros(self.beats, np.uint8)
        for nest, runs in self.alike():
            if len(runs) == len(self.length):
                stops.reshape(len(runs), -1)[:] = nest.stops()
            else:
                stops[self.places(nest, runs)] = nest.stops()
        stops[self.after - 1] = self.ends
        return stops

    @cached_property
    def void(self) -> Bools:
        """Which beats are void, [beats]."""
        void = np.full(self.beats, self.nest.empty)
        void[self.after[self.length == 0] - 1] = True
        return void

    def offsets(self) -> Ints:
        """What each beat adds to the address where its run begins, [beats]; 0 in a run that is a void beat."""
        offsets = np.zeros(self.beats, np.int64)
        for nest, runs in self.alike():
            offsets[self.places(nest, runs)] = nest.offsets()
        return offsets

    def of_beats(self, each: Ints) -> Ints:
        """What is said of each run, for each of its beats, [beats]."""
        return np.repeat(each, self.sizes)

    @property
    def shape(self) -> Shape:
        """The stream of the beats."""
        return Shape(self.stops, self.void)


@dataclass(frozen=True)
class Parts:
    """Nests one after the other, none of them empty, all of whose last beats have the stop ``end``: a run each."""

    nests: tuple[Nest, ...]
    end: int

    @property
    def nest(self) -> Nest:
        """The first of them."""
        return self.nests[0]

    @property
    def beats(self) -> int:
        """Beats of all nests."""
        return sum(map(len, self.nests))

    @cached_property
    def stops(self) -> Stops:
        """The stop of each beat, [beats]."""
        stops = np.concatenate([nest.stops() for nest in self.nests])
        stops[np.cumsum([len(nest) for nest in self.nests]) - 1] = self.end
        return stops

    @property
    def void(self) -> Bools:
        """No beat is void, [beats]."""
        return np.zeros(self.beats, bool)

    def offsets(self) -> Ints:
        """What each beat adds to the address where its run begins, [beats]."""
        return np.concatenate([nest.offsets() for nest in self.nests])

    def of_beats(self, each: Ints) -> Ints:
        """What is said of each run, for each of its beats, [beats]."""
        return np.repeat(each, [len(nest) for nest in self.nests])

    @property
    def shape(self) -> Shape:
        """The stream of the beats."""
        return Shape(self.stops, self.void)
