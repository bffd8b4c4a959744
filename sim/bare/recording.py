"""What a host does on simulated RTL, written down as it happens, for a loop without cocotb to do the same again."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Any

import numpy as np

from weft.sim.rtl.device import RtlDevice
from weft.sim.rtl.process import SimulatorProcess
from weft.sim.verilator.build import Simulator

__all__ = ["Recorded", "RecordedDevice"]


class Action(IntEnum):
    """What the host does, by the numbers of ``main.cpp``; the comment says what follows, in words of 32 bits."""

    MAP = 0  # bytes: 2
    TIMING = 1  # channel, latency, bandwidth: 2, seed: 2
    WATCHDOG = 2  # idle cycles: 2, all cycles: 2
    TAPS = 3  # whether
    SAMPLE = 4  # window
    POKE = 5  # word of the memory, count, words
    WRITE = 6  # address, step, count, words
    READ = 7  # address
    WAIT = 8
    RUN = 9
    PEEK = 10  # word of the memory, count
    FETCH = 11
    ACTIVITY = 12


class Recorded:
    """A run: ``script`` is what the host did, ``told`` what it was told, and what the chip wrote into memory."""

    def __init__(self) -> None:
        self.script, self.told = bytearray(), bytearray()
        self.memory_bytes = 0

    def act(self, action: Action, *words: int, data: bytes = b"") -> None:
        """Append to the script."""
        self.script += struct.pack(f"<{1 + len(words)}I", action, *words) + data


class RecordedDevice(RtlDevice):
    """An :class:`RtlDevice` that leaves in ``recorded`` what its host did; ``memory_bytes`` must be a multiple of 4."""

    def _start(self, simulator: Simulator, **options: Any) -> SimulatorProcess:
        self.recorded = Recorded()
        return _RecordedProcess(simulator, self.recorded, **options)


class _RecordedProcess(SimulatorProcess):
    def __init__(self, simulator: Simulator, recorded: Recorded, **options: Any) -> None:
        super().__init__(simulator, **options)
        self._recorded = recorded

    def ask(self, *message: Any) -> Any:
        recorded = self._recorded
        match message:
            case ("memory", path, size, channels):
                recorded.memory_bytes = size * channels
                recorded.act(Action.MAP, channels, data=struct.pack("<Q", size))
                self._memory = np.memmap(path, "<u4", "r", shape=(size * channels // 4,))
                self._before = self._memory.copy()
            case ("timing", channel, latency, bandwidth, seed):
                recorded.act(Action.TIMING, channel, latency, data=struct.pack("<dQ", bandwidth, seed))
            case ("watchdog", idle, limit):
                recorded.act(Action.WATCHDOG, data=struct.pack("<QQ", idle, limit))
            case ("taps", enable):
                recorded.act(Action.TAPS, int(enable))
            case ("sample", window):
                recorded.act(Action.SAMPLE, window)
            case ("run", operations):
                for first, words in self._changes():
                    recorded.act(Action.POKE, first, len(words), data=words.tobytes())
                for operation in operations:
                    self._note(*operation)
                recorded.act(Action.RUN)
            case ("fetch",):
                recorded.act(Action.FETCH)
            case ("activity",):
                recorded.act(Action.ACTIVITY)
            case _:
                raise ValueError(f"a message that is recorded must be known, not {message[0]!r}")
        answer = super().ask(*message)
        if message[0] == "run":
            outcome, _, values, cycles = answer
            recorded.told += struct.pack("<IQQ", outcome, cycles, len(values) // 4) + values
            for first, words in self._changes():
                recorded.act(Action.PEEK, first, len(words))
                recorded.told += words.tobytes()
        elif message[0] == "fetch":
            for tile, (_, words, marks) in answer.items():
                recorded.told += struct.pack("<iQ", tile, len(marks)) + words + marks
        elif message[0] == "activity":
            recorded.told += answer[1]
        return answer

    def _note(self, kind: str, address: int, words: bytes = b"", step: int = 0) -> None:
        if kind == "write":
            self._recorded.act(Action.WRITE, address, step, len(words) // 4, data=words)
        elif kind == "read":
            self._recorded.act(Action.READ, address)
        else:
            self._recorded.act(Action.WAIT)

    def _changes(self) -> list[tuple[int, np.ndarray]]:
        """Runs of words of the memory that are others than at the last call: the first's number, and the words."""
        places = np.flatnonzero(self._memory != self._before)
        self._before[places] = self._memory[places]
        runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(places) else []
        return [(int(run[0]), self._before[run]) for run in runs]
