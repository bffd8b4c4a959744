"""The course of launches as a Chrome trace, which Perfetto (https://ui.perfetto.dev) and chrome://tracing open.

A cycle is a microsecond there: the format counts in these, and whole numbers are exact in every viewer. Launches
follow each other without the host's time between them. The first process holds a track of the launches and counters;
each program is a process, and each of its units a thread, in the order of the data, so that one sees a token pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.compiler.backend.data_order import data_order
from weft.compiler.backend.mapping import Mapping
from weft.hw.topology import Tile, TileKind, Topology
from weft.sim.utilisation import RecordedLaunch

__all__ = ["STATES", "timeline", "timeline_text"]

STATES = ("busy", "starved", "blocked")
_IDLE = -1
_CHIP = 1  # process of launches and counters; the programs follow
Event = dict[str, Any]


def timeline(launches: Sequence[RecordedLaunch]) -> dict[str, Any]:
    """The trace of launches that ran one after the other.

    A slice of a unit is windows of its activity on end: busy, in each of which it worked in some cycle; or else starved
    or blocked, whichever it was longer. Its arguments are the cycles of each state and the beats sent, as exact sums.
    Where a unit was idle there is no slice. Most units work for a few cycles at a time: by majority they would never
    show.

    Counters: the share of the fabric's tiles of each kind that was busy, by window; beats a cycle of each channel, by
    launch.
    """
    events: list[Event] = [*_named(_CHIP, "chip", {1: "launches"})]
    programs: dict[str, int] = {}
    threads: dict[str, dict[Tile, int]] = {}
    begin = 0
    for each in launches:
        if each.program not in programs:
            programs[each.program] = _CHIP + 1 + len(programs)
            order = [each.mapping.tiles[unit] for unit in data_order(each.mapping.netlist)]
            # Viewers know a thread by its number alone.
            threads[each.program] = {
                tile: number for number, tile in enumerate(order, 2 + sum(map(len, threads.values())))
            }
            names = {number: _thread_name(each.mapping, tile) for tile, number in threads[each.program].items()}
            title = f"{each.program}, {len(names)} units in the order of the data"
            events += _named(programs[each.program], title, names)
        ends = _ends(each)
        events.append(_launch_slice(each, begin, int(ends[-1])))
        events += _counters(each, begin, ends)
        for tile, thread in threads[each.program].items():
            for slice_ in _slices(each.activity.tiles[tile], begin, ends):
                events.append({**slice_, "pid": programs[each.program], "tid": thread})
        begin += int(ends[-1])
    events += [
        {"name": name, "ph": "C", "ts": begin, "pid": _CHIP, "args": {"%": 0}} for name in _counter_names(events)
    ]
    return {
        "displayTimeUnit": "ms",
        "otherData": {"clock": "1 us is 1 cycle", "cycles": begin, "between launches": "left out"},
        "traceEvents": events,
    }


def timeline_text(trace: dict[str, Any]) -> str:
    """JSON text of a trace, an event a line."""
    head = {key: value for key, value in trace.items() if key != "traceEvents"}
    events = ",\n".join(json.dumps(event, separators=(",", ":")) for event in trace["traceEvents"])
    return f'{json.dumps(head)[:-1]}, "traceEvents": [\n{events}\n]}}\n'


def _named(process: int, name: str, threads: dict[int, str]) -> Iterator[Event]:
    """Names of a process and its threads, and that they are shown in the order of their numbers."""

    yield {"name": "process_name", "ph": "M", "pid": process, "args": {"name": name}}
    yield {"name": "process_sort_index", "ph": "M", "pid": process, "args": {"sort_index": process}}
    for thread, title in threads.items():
        yield {"name": "thread_name", "ph": "M", "pid": process, "tid": thread, "args": {"name": title}}
        yield {"name": "thread_sort_index", "ph": "M", "pid": process, "tid": thread, "args": {"sort_index": thread}}


def _thread_name(mapping: Mapping, tile: Tile) -> str:
    unit = mapping.units[tile]
    return f"{unit.kind.value} {tile} {unit.name}"


def _ends(each: RecordedLaunch) -> NDArray[np.int64]:
    """Cycle of the launch at which each window ends: int64 [windows]."""
    windows = max((len(counts) for counts in each.activity.tiles.values()), default=1)
    ends = np.arange(1, windows + 1, dtype=np.int64) * each.activity.window
    ends[-1] = max(each.launch.cycles, (windows - 1) * each.activity.window + 1)
    return ends


def _launch_slice(each: RecordedLaunch, begin: int, cycles: int) -> Event:
    beats = {
        f"channel {number} beats": f"{read} read, {written} written"
        for number, (read, written) in enumerate(each.launch.channel_beats)
    }
    arguments = {"cycles": each.launch.cycles, **beats}
    return {"name": each.name, "ph": "X", "ts": begin, "dur": cycles, "pid": _CHIP, "tid": 1, "args": arguments}


def _slices(counts: NDArray[np.uint32], begin: int, ends: NDArray[np.int64]) -> Iterator[Event]:
    """Slices of a tile's counts [windows, 4] in a launch."""
    busy, starved, blocked = (counts[:, column] for column in range(3))
    waiting = np.where(blocked > starved, 2, np.where(starved > 0, 1, _IDLE))
    state = np.where(busy > 0, 0, waiting)
    starts = [0, *(np.flatnonzero(np.diff(state)) + 1).tolist()]
    for first, behind in zip(starts, [*starts[1:], len(state)], strict=True):
        if state[first] == _IDLE:
            continue
        time = int(ends[first - 1]) if first else 0
        span = int(ends[behind - 1]) - time
        *cycles, beats = counts[first:behind].sum(axis=0, dtype=np.int64).tolist()
        arguments = {
            "busy %": round(100 * cycles[0] / span, 1),
            **dict(zip(STATES, cycles, strict=True)),
            "beats": beats,
        }
        yield {"name": STATES[state[first]], "ph": "X", "ts": begin + time, "dur": span, "args": arguments}


def _counters(each: RecordedLaunch, begin: int, ends: NDArray[np.int64]) -> Iterator[Event]:
    """Values that hold from their time on."""
    for number, moved in enumerate(each.launch.channel_beats):
        yield _counter(f"channel {number}", begin, sum(moved) / int(ends[-1]))
    starts = np.concatenate([[0], ends[:-1]])
    for kind in TileKind:
        busy = np.zeros(len(ends), np.int64)
        for tile, unit in each.mapping.units.items():
            if unit.kind is kind:
                busy += each.activity.tiles[tile][:, 0]
        count = len(Topology(each.mapping.spec).of_kind(kind))
        shares = np.round(busy / (max(count, 1) * (ends - starts)), 3)
        for window in np.flatnonzero(np.diff(shares, prepend=-1.0)).tolist():
            yield _counter(f"busy {kind.name}s", begin + int(starts[window]), float(shares[window]))


def _counter(name: str, time: int, share: float) -> Event:
    return {"name": name, "ph": "C", "ts": time, "pid": _CHIP, "args": {"%": round(100 * share, 1)}}


def _counter_names(events: list[Event]) -> list[str]:
    return list(dict.fromkeys(event["name"] for event in events if event["ph"] == "C"))
