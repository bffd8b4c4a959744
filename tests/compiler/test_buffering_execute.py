"""Bounded execution against the plainest one there is: one firing at a time, in random order, every channel bounded."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.compiler.backend.buffering.execute import Execution
from weft.compiler.backend.buffering.network import Channel, ProcessNetwork
from weft.compiler.netlist.netlist import Pin, Unit
from weft.hw.program import Pcu
from weft.hw.program.firings.process import RING, Process, Side
from weft.hw.program.firings.stream import Ints


def _side(needs: Ints, done: Ints) -> Side:
    return Side(RING, int(done[-1]), lambda: (needs, done))


def _network(seed: int) -> ProcessNetwork:
    """Processes that take and give in random firings; all that is given is taken, but now and then."""
    random = Random(seed)
    count = random.randint(2, 6)
    firings = [random.randint(2, 12) for _ in range(count)]
    network = ProcessNetwork()
    network.takes.extend([] for _ in range(count))
    network.gives.extend([] for _ in range(count))

    def side(process: int, total: int) -> Side:
        moved = np.zeros(firings[process], np.int64)
        moved[random.sample(range(firings[process]), total)] = 1
        done = np.cumsum(moved)
        peeks = np.array([random.randint(0, 1) for _ in moved]) & (done < total)
        return _side(np.maximum.accumulate(done + np.where(moved, 0, peeks)), done)

    for number in range(random.randint(1, 2 * count)):
        source, target = random.sample(range(count), 2)
        held = random.choice([0, 0, 0, 1])
        total = random.randint(1, min(firings[source], firings[target] - held))
        gives, takes = side(source, total), side(target, held + total - random.choice([0, 0, 0, 1]))
        gives = _side(*(each + held for each in gives.firings()))
        network.channels.append(Channel(source, target, None, Pin(f"ring {number}"), random.randint(1, 4), held))
        network.gives[source].append((number, gives))
        network.takes[target].append((number, takes))
    for process in range(count):
        mine = (tuple(s for _, s in network.takes[process]), tuple(s for _, s in network.gives[process]))
        network.processes.append(Process(firings[process], *mine))
        network.units.append(Unit(f"process {process}", Pcu()))
    return network


def _ends(network: ProcessNetwork, capacities: dict[int, int], random: Random) -> bool:
    given = {number: channel.held for number, channel in enumerate(network.channels)}
    taken = dict.fromkeys(given, 0)
    room = {number: capacities.get(number, channel.capacity) for number, channel in enumerate(network.channels)}
    at = [0] * len(network.processes)

    def can_fire(process: int) -> bool:
        k = at[process]
        return (
            k < network.processes[process].firings
            and all(given[c] >= s.firings()[0][k] for c, s in network.takes[process])
            and all(taken[c] + room[c] >= s.firings()[0][k] for c, s in network.gives[process])
        )

    while ready := [process for process in range(len(at)) if can_fire(process)]:
        process = random.choice(ready)
        taken |= {c: int(s.firings()[1][at[process]]) for c, s in network.takes[process]}
        given |= {c: int(s.firings()[1][at[process]]) for c, s in network.gives[process]}
        at[process] += 1
    return all(here == process.firings for here, process in zip(at, network.processes, strict=True))


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 1 << 32))
def test_ends_where_one_firing_at_a_time_does(seed: int) -> None:
    network, random = _network(seed), Random(seed)
    endless = dict.fromkeys(range(len(network.channels)), 1000)
    if not _ends(network, endless, random):
        return  # such networks are not made of netlists
    circle = Execution(network).run()
    assert (not circle) == _ends(network, {}, random) == _ends(network, {}, random)
    assert Execution(network).run(endless) == []
    for wait, after in zip(circle, [*circle[1:], *circle[:1]], strict=True):
        channel = network.channels[wait.channel]
        assert (wait.waiter, wait.other) in ((channel.source, channel.target), (channel.target, channel.source))
        assert len(circle) == 1 or wait.other == after.waiter
    assert not circle or any(wait.full for wait in circle)


def test_both_outcomes_are_met() -> None:
    outcomes = [
        not Execution(network).run()
        for network in map(_network, range(300))
        if _ends(network, dict.fromkeys(range(20), 1000), Random(1))
    ]
    assert min(outcomes.count(True), outcomes.count(False)) > 30


@pytest.mark.parametrize("capacity", [1, 2, 3])
def test_beats_left_in_a_ring_need_room(capacity: int) -> None:
    """Two blocks that are never read: nothing lies on a circle, and still they must fit."""
    number = np.arange(1, 3)
    none = np.zeros(1, np.int64)
    channel = Channel(0, 1, None, Pin("ring"), capacity)
    give, take = _side(number, number), _side(none, none)
    network = ProcessNetwork(
        ["writes", "reads"],
        [Process(2, (), (give,)), Process(1, (take,), ())],
        [channel],
        [[], [(0, take)]],
        [[(0, give)], []],
    )
    assert [wait.full for wait in Execution(network).run()] == ([True] if capacity < 2 else [])
