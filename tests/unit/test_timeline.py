"""The trace of launches: its slices and counters against the activity they were made from."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from weft.compiler.backend.data_order import data_order
from weft.compiler.backend.fit import fit
from weft.compiler.backend.mapping import Mapping
from weft.compiler.netlist.netlist import Net, Netlist, Pin, Unit
from weft.hw.presets import PRESETS
from weft.hw.program import Agcu, AgcuKind, Pcu, Pmu
from weft.hw.topology import Network, Tile, Topology
from weft.sim.device import Activity, Launch
from weft.sim.timeline import STATES, timeline, timeline_text
from weft.sim.utilisation import RecordedLaunch, channel_shares, tile_shares

TINY = PRESETS["tiny"]
Event = dict[str, Any]


@pytest.fixture(scope="module")
def mapping() -> Mapping:
    units = {
        "out": Unit("out", Agcu(kind=AgcuKind.STORE)),
        "mul": Unit("mul", Pcu()),
        "rows": Unit("rows", Pmu()),
        "in": Unit("in", Agcu(kind=AgcuKind.LOAD)),
    }
    nets = [Net(Network.VECTOR, Pin(a), (Pin(b),)) for a, b in pairwise(("in", "rows", "mul", "out"))]
    return fit(Netlist(units, tuple(nets)), TINY)


def launch_of(counts: dict[Tile, np.ndarray], window: int, cycles: int) -> Launch:
    return Launch(cycles=cycles, channel_beats=((cycles // 4, cycles // 8),), activity=Activity(window, counts))


def random_counts(random: np.random.Generator, window: int, cycles: int) -> np.ndarray:
    """Counts of a tile as a device would give them: no window holds more cycles than it has."""
    windows = -(-cycles // window)
    spans = np.full(windows, window)
    spans[-1] = cycles - (windows - 1) * window
    shares = random.dirichlet((0.3, 0.5, 0.3, 0.5), windows) * random.integers(0, 2, (windows, 4))
    counts = np.floor(shares * spans[:, None])
    counts[:, 3] = counts[:, 0] // 2
    return counts.astype(np.uint32)


@pytest.fixture(params=range(4))
def launches(request: pytest.FixtureRequest, mapping: Mapping) -> list[RecordedLaunch]:
    random = np.random.default_rng(request.param)
    recorded = []
    for name, cycles in (("layer 0", 1000), ("layer 1", 7), ("head", 640), ("layer 0", 1)):
        counts = {tile: random_counts(random, 16, cycles) for tile in Topology(TINY).tiles}
        recorded.append(RecordedLaunch(name, name.split()[0], mapping, launch_of(counts, 16, cycles)))
    return recorded


def slices(trace: Event) -> dict[tuple[int, int], list[Event]]:
    """Of each process and thread, in the order of time."""
    found = defaultdict(list)
    for event in trace["traceEvents"]:
        if event["ph"] == "X":
            found[event["pid"], event["tid"]].append(event)
    return {thread: sorted(events, key=lambda event: event["ts"]) for thread, events in found.items()}


def names(trace: Event, what: str) -> dict[tuple[int, ...], str]:
    return {
        (event["pid"], event["tid"]) if "tid" in event else (event["pid"],): event["args"]["name"]
        for event in trace["traceEvents"]
        if event["name"] == what
    }


def test_every_event_has_what_the_format_asks_for(launches: list[RecordedLaunch]) -> None:
    trace = json.loads(timeline_text(timeline(launches)))
    assert trace == timeline(launches)
    assert trace["otherData"]["cycles"] == 1648
    for event in trace["traceEvents"]:
        assert {"X", "C", "M"} >= {event["ph"]}
        assert isinstance(event["name"], str)
        assert event["pid"] > 0
        if event["ph"] == "X":
            assert event["ts"] >= 0
            assert event["dur"] > 0
            assert event["tid"] > 0
        if event["ph"] == "C":
            assert event["ts"] >= 0
            assert all(0 <= value <= 100 for value in event["args"].values())
    assert {(pid, tid) for pid, tid in slices(trace)} <= set(names(trace, "thread_name"))
    # Viewers know a thread by its number alone.
    assert len({tid for _, tid in names(trace, "thread_name")}) == len(names(trace, "thread_name"))


def test_slices_of_a_thread_do_not_overlap_and_stay_in_their_launch(launches: list[RecordedLaunch]) -> None:
    tracks = slices(timeline(launches))
    spans = [(event["ts"], event["ts"] + event["dur"]) for event in tracks[1, 1]]
    assert spans == [(0, 1000), (1000, 1007), (1007, 1647), (1647, 1648)]
    for events in tracks.values():
        for before, after in pairwise(events):
            assert before["ts"] + before["dur"] <= after["ts"]
        for event in events:
            assert any(begin <= event["ts"] and event["ts"] + event["dur"] <= end for begin, end in spans)


def test_the_sums_of_slices_are_the_counters(launches: list[RecordedLaunch], mapping: Mapping) -> None:
    trace = timeline(launches)
    tracks, threads = slices(trace), names(trace, "thread_name")
    for program, process in (("layer", 2), ("head", 3)):
        for unit, tile in mapping.tiles.items():
            kind = mapping.netlist.units[unit].kind.value
            thread = next(at for at, name in threads.items() if at[0] == process and name == f"{kind} {tile} {unit}")
            events = tracks.get((thread[0], thread[1]), [])
            for column, key in enumerate((*STATES, "beats")):
                expected = sum(
                    int(each.activity.tiles[tile][:, column].sum()) for each in launches if each.program == program
                )
                assert sum(event["args"][key] for event in events) == expected


def test_threads_are_in_the_order_of_the_data(launches: list[RecordedLaunch], mapping: Mapping) -> None:
    trace = timeline(launches)
    assert data_order(mapping.netlist) == ["in", "rows", "mul", "out"]
    layer = [name.split()[-1] for (pid, _), name in sorted(names(trace, "thread_name").items()) if pid == 2]
    assert layer == ["in", "rows", "mul", "out"]
    order = [event for event in trace["traceEvents"] if event["name"] == "thread_sort_index"]
    assert all(event["args"]["sort_index"] == event["tid"] for event in order)
    assert len(order) == 1 + 2 * 4


def test_equal_windows_become_one_slice(mapping: Mapping) -> None:
    tile = mapping.tiles["mul"]
    counts = {each: np.zeros((6, 4), np.uint32) for each in Topology(TINY).tiles}
    #                busy starved blocked beats
    counts[tile][:] = [(1, 9, 0, 1), (10, 0, 0, 2), (0, 6, 4, 0), (0, 4, 6, 0), (0, 0, 0, 0), (0, 2, 1, 0)]
    trace = timeline([RecordedLaunch("run", "run", mapping, launch_of(counts, 10, 55))])
    found = {
        (event["name"], event["ts"], event["dur"], *event["args"].values())
        for thread, events in slices(trace).items()
        if thread[0] == 2
        for event in events
    }
    assert found == {
        ("busy", 0, 20, 55.0, 11, 9, 0, 3),
        ("starved", 20, 10, 0.0, 0, 6, 4, 0),
        ("blocked", 30, 10, 0.0, 0, 4, 6, 0),
        ("starved", 50, 5, 0.0, 0, 2, 1, 0),
    }
    busy = [(e["ts"], e["args"]["%"]) for e in trace["traceEvents"] if e["name"] == "busy PCUs"]
    assert busy == [(0, 5.0), (10, 50.0), (20, 0.0), (55, 0)]  # of the two PCUs of the fabric
    assert [e["args"]["%"] for e in trace["traceEvents"] if e["name"] == "channel 0"] == [34.5, 0]


def test_shares(mapping: Mapping) -> None:
    tile = mapping.tiles["mul"]
    counts = {each: np.zeros((2, 4), np.uint32) for each in Topology(TINY).tiles}
    counts[tile][:] = [(5, 2, 0, 0), (3, 0, 4, 0)]
    launches = [RecordedLaunch("run", "run", mapping, launch_of(counts, 10, cycles)) for cycles in (16, 24)]
    shares = tile_shares(launches)
    assert set(shares) == set(mapping.units)
    assert (shares[tile].busy, shares[tile].starved, shares[tile].blocked) == (16 / 40, 4 / 40, 8 / 40)
    assert channel_shares(launches) == [(4 + 2 + 6 + 3) / 40]


def test_a_launch_without_activity_is_refused(mapping: Mapping) -> None:
    with pytest.raises(ValueError, match="launch 'run' must have an activity"):
        RecordedLaunch("run", "run", mapping, Launch(cycles=3))
