"""The C functions of the simulator that Python runs in, typed. Only in a process of ``weft.sim.verilator``'s making.

Words are bytes here: to import NumPy would take as long as to simulate ten thousand cycles and more.
"""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_double, c_int, c_uint32, c_uint64, c_void_p
from typing import Any

__all__ = ["HostLibrary"]

_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "weft_memory_map": (c_int, (c_char_p, c_uint64, c_int)),
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


def _copy(address: int | None, size: int) -> bytes:
    """A copy of C memory."""
    return ctypes.string_at(address, size) if size and address is not None else b""


class HostLibrary:
    """What host.cpp, memory.cpp, tap.cpp and activity.cpp offer."""

    def __init__(self) -> None:
        self._c = ctypes.CDLL(None)
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(self._c, name)
            function.restype = result
            function.argtypes = list(arguments)

    def map_memory(self, path: str, size: int, channels: int) -> None:
        """Let each channel see ``size`` bytes of a file."""
        if self._c.weft_memory_map(path.encode(), size, channels) != 0:
            raise OSError(f"memory file {path} of {size} bytes cannot be mapped")

    def timing(self, channel: int, latency: int, bandwidth: float, seed: int) -> None:
        """How a channel behaves from now on; ``seed`` 0: no stalls."""
        self._c.weft_memory_timing(channel, latency, bandwidth, seed)

    def watchdog(self, idle_cycles: int, all_cycles: int) -> None:
        """After how many cycles without progress, or of all, a wait is given up."""
        self._c.weft_host_watchdog(idle_cycles, all_cycles)

    def queue(self, operations: list[tuple[Any, ...]]) -> None:
        """Queue ``("write", address, words, step)``, ``("read", address)`` and ``("wait",)``; words are of 32 bits."""
        self._c.weft_host_forget()
        for operation in operations:
            match operation:
                case ("write", address, words, step):
                    self._c.weft_host_write(address, words, len(words) // 4, step)
                case ("read", address):
                    self._c.weft_host_read(address)
                case _:
                    self._c.weft_host_wait()

    def result(self) -> tuple[int, str, bytes, int]:
        """Of the queue that was run: outcome, notes, words read; and cycles since the simulation began."""
        values = _copy(self._c.weft_host_data(), 4 * self._c.weft_host_results())
        notes = self._c.weft_host_notes().decode()
        return self._c.weft_host_outcome(), notes, values, self._c.weft_host_cycles()

    def start_taps(self, enable: bool) -> None:
        """Forget the beats recorded, and record from now on or not."""
        self._c.weft_tap_start(int(enable))

    def taps(self) -> dict[int, tuple[int, bytes, bytes]]:
        """Of each tile that reported: its lanes, the words of all beats, and a mark for each: stop, bit 7 void."""
        count = self._c.weft_tap_tiles(None, 0)
        tiles = (c_int * max(count, 1))()
        self._c.weft_tap_tiles(tiles, count)
        found = {}
        for tile in list(tiles)[:count]:
            beats, lanes = self._c.weft_tap_beats(tile), self._c.weft_tap_lanes(tile)
            words = _copy(self._c.weft_tap_data(tile), 4 * beats * lanes)
            found[tile] = (lanes, words, _copy(self._c.weft_tap_marks(tile), beats))
        return found

    def start_activity(self, window: int) -> None:
        """Forget the samples of the tiles' counters, and take one every ``window`` cycles of a launch; 0 for none."""
        self._c.weft_activity_start(window)

    def activity(self) -> tuple[list[str], bytes]:
        """Paths of the tiles, and words: the four counters of each, from the start of the launch, at each sample."""
        paths = [self._c.weft_activity_path(block).decode() for block in range(self._c.weft_activity_blocks())]
        return paths, _copy(self._c.weft_activity_data(), 4 * self._c.weft_activity_count())
