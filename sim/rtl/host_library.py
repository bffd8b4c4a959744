"""The C functions of the simulator that Python runs in, typed. Only in a process of ``sim.verilator``'s making."""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_double, c_int, c_uint32, c_uint64, c_void_p
from typing import Any

import numpy as np

__all__ = ["HostLibrary"]

_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "weft_memory_map": (c_int, (c_char_p, c_uint64)),
    "weft_memory_timing": (None, (c_int, c_uint32, c_double, c_uint64)),
    "weft_memory_beats": (c_uint64, (c_int, c_int)),
    "weft_host_write": (None, (c_uint32, c_void_p, c_uint64, c_uint32)),
    "weft_host_read": (None, (c_uint32,)),
    "weft_host_wait": (None, ()),
    "weft_host_watchdog": (None, (c_uint64, c_uint64)),
    "weft_host_outcome": (c_int, ()),
    "weft_host_cycles": (c_uint64, ()),
    "weft_host_results": (c_uint64, ()),
    "weft_host_data": (c_void_p, ()),
    "weft_host_notes": (c_char_p, ()),
    "weft_host_forget": (None, ()),
    "weft_activity_start": (None, (c_uint64,)),
    "weft_activity_blocks": (c_int, ()),
    "weft_activity_path": (c_char_p, (c_int,)),
    "weft_activity_count": (c_uint64, ()),
    "weft_activity_data": (c_void_p, ()),
    "weft_tap_start": (None, (c_int,)),
    "weft_tap_tiles": (c_int, (c_void_p, c_int)),
    "weft_tap_beats": (c_uint64, (c_int,)),
    "weft_tap_lanes": (c_int, (c_int,)),
    "weft_tap_data": (c_void_p, (c_int,)),
    "weft_tap_marks": (c_void_p, (c_int,)),
}


def _array(address: int | None, count: int, kind: type) -> np.ndarray:
    """A copy of C memory."""
    if not count or address is None:
        return np.empty(0, kind)
    size = count * np.dtype(kind).itemsize
    return np.frombuffer(ctypes.string_at(address, size), kind)


class HostLibrary:
    """What host.cpp, memory.cpp, tap.cpp and activity.cpp offer."""

    def __init__(self) -> None:
        self._c = ctypes.CDLL(None)
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(self._c, name)
            function.restype = result
            function.argtypes = list(arguments)

    def map_memory(self, path: str, size: int) -> None:
        """Let the channels see a file."""
        if self._c.weft_memory_map(path.encode(), size) != 0:
            raise OSError(f"memory file {path} of {size} bytes cannot be mapped")

    def timing(self, channel: int, latency: int, bandwidth: float, seed: int) -> None:
        """How a channel behaves from now on; ``seed`` 0: no stalls."""
        self._c.weft_memory_timing(channel, latency, bandwidth, seed)

    def watchdog(self, idle_cycles: int, all_cycles: int) -> None:
        """After how many cycles without progress, or of all, a wait is given up."""
        self._c.weft_host_watchdog(idle_cycles, all_cycles)

    def queue(self, operations: list[tuple[Any, ...]]) -> None:
        """Queue ``("write", address, words, step)``, ``("read", address)`` and ``("wait",)``."""
        self._c.weft_host_forget()
        for operation in operations:
            match operation:
                case ("write", address, words, step):
                    data = np.ascontiguousarray(words, np.uint32)
                    self._c.weft_host_write(address, data.ctypes.data, len(data), step)
                case ("read", address):
                    self._c.weft_host_read(address)
                case _:
                    self._c.weft_host_wait()

    def result(self) -> tuple[int, str, np.ndarray, int]:
        """Of the queue that was run: outcome, notes, values read; and cycles since the simulation began."""
        values = _array(self._c.weft_host_data(), self._c.weft_host_results(), np.uint32)
        notes = self._c.weft_host_notes().decode()
        return self._c.weft_host_outcome(), notes, values, self._c.weft_host_cycles()

    def start_taps(self, enable: bool) -> None:
        """Forget the beats recorded, and record from now on or not."""
        self._c.weft_tap_start(int(enable))

    def taps(self) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """Of each tile that reported: words [beats, lanes], and marks [beats]: stop, bit 7 void."""
        count = self._c.weft_tap_tiles(None, 0)
        tiles = (c_int * max(count, 1))()
        self._c.weft_tap_tiles(tiles, count)
        found = {}
        for tile in list(tiles)[:count]:
            beats, lanes = self._c.weft_tap_beats(tile), self._c.weft_tap_lanes(tile)
            data = _array(self._c.weft_tap_data(tile), beats * lanes, np.uint32).reshape(beats, lanes)
            found[tile] = (data, _array(self._c.weft_tap_marks(tile), beats, np.uint8))
        return found

    def start_activity(self, window: int) -> None:
        """Forget the samples of the tiles' counters, and take one every ``window`` cycles of a launch; 0 for none."""
        self._c.weft_activity_start(window)

    def activity(self) -> tuple[list[str], np.ndarray]:
        """Paths of the tiles, and their counters [samples, tiles, 4] from the start of the launch."""
        count = self._c.weft_activity_blocks()
        paths = [self._c.weft_activity_path(block).decode() for block in range(count)]
        data = _array(self._c.weft_activity_data(), self._c.weft_activity_count(), np.uint32)
        return paths, data.reshape(-1, count, 4)
