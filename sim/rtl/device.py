"""The fabric's RTL under Verilator, as a device."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from weft.hw.address_map import Counter, HostRegister, Status
from weft.hw.spec import ADDRESS_BITS, FabricSpec
from weft.hw.topology import Tile, Topology
from weft.sim.device import GIVEN_UP, Activity, Beats, DeviceError, HangError, Launch
from weft.sim.rtl.process import SimulatorProcess
from weft.sim.rtl.testbench import chip_design
from weft.sim.rtl.waits import describe_waits
from weft.sim.verilator.build import Simulator, build, cache_folder
from weft.sim.verilator.commands import Optimise
from weft.sim.verilator.toolchain import require

__all__ = ["ARITHMETIC", "RtlDevice"]

ARITHMETIC = ("native", "rtl")
"""What can compute in a simulated chip."""

_LAUNCH, _CLEAR, _IMAGE = 1, 2, 4
_COUNTERS = (Counter.BUSY, Counter.STARVED, Counter.BLOCKED, Counter.BEATS)
_HUNG, _LIMIT = 1, 2
_OUTCOMES = {
    _LIMIT: "the launch took longer than the limit of {limit} cycles",
    3: "the chip does not answer on its AXI4-Lite port",
    4: "the chip broke the AXI4 protocol",
    5: "the chip answered a register access with an error",
}


class RtlDevice:
    """Simulated RTL behind the interface of :class:`weft.sim.device.Device`; the simulator is built first if need be.

    Parameters
    ----------
    spec
        The fabric.
    files
        Its Verilog by name; ``None`` elaborates it.
    memory_bytes
        Off-chip memory of each channel.
    stalls
        Seed of random stalls of memory's responses and readiness, and at the tiles' ports; ``None`` for none.
    waves
        FST file to write. Takes a simulator of its own, and is slow.
    latency
        Cycles from a memory request to its first beat.
    bandwidth
        Beats a cycle of a channel, reads and writes together, at most 1.
    record
        Fill ``buffers`` of a launch.
    count
        Fill ``counters`` of a launch, read over the chip's port as a host does.
    activity
        Fill ``activity`` of a launch with windows of so many cycles, at least 32; 0 for none.
    watchdog
        Cycles without a beat from or into memory or a buffer after which a launch is given up.
    limit
        Cycles after which a launch is given up in any case.
    flat
        Compile the design as a whole, so that Verilator simulates all of it in every cycle: slow to build and to run.
    checks
        Assertions on every stream inside the tiles, and random stalls at their ports. The simulator is one for short
        runs: sooner built, and slower.
    arith
        ``"rtl"`` simulates the arithmetic units, ``"native"`` lets the host compute the same bits in the same cycles,
        sooner. Without effect on ``files``.
    seed
        Given to cocotb.

    Raises
    ------
    ValueError
        A parameter out of its range.
    DeviceError
        The simulator did not start.
    """

    def __init__(
        self,
        spec: FabricSpec,
        *,
        memory_bytes: int,
        files: Mapping[str, str] | None = None,
        stalls: int | None = None,
        waves: Path | None = None,
        latency: int = 32,
        bandwidth: float = 1.0,
        record: bool = True,
        count: bool = True,
        activity: int = 0,
        watchdog: int = 100_000,
        limit: int = 1_000_000_000,
        flat: bool = False,
        checks: bool = True,
        arith: str = "rtl",
        seed: int = 1,
    ) -> None:
        if not 1 <= memory_bytes <= 1 << ADDRESS_BITS:
            raise ValueError(f"memory_bytes must be 1 to 2**{ADDRESS_BITS}, not {memory_bytes}")
        if not 0 < bandwidth <= 1:
            raise ValueError(f"bandwidth must be above 0 and at most 1, not {bandwidth}")
        if activity and (activity < 32 or flat):
            raise ValueError(f"activity must be 0 or at least 32, and 0 if flat, not {activity}")
        if arith not in ARITHMETIC:
            raise ValueError(f"arith must be one of {', '.join(ARITHMETIC)}, not {arith!r}")
        if latency < 1:
            raise ValueError(f"latency must be at least 1, not {latency}")
        if stalls is not None and not 0 <= stalls < 1 << 31:
            raise ValueError(f"stalls must be a seed from 0 to 2**31 - 1, not {stalls}")
        self.spec = spec
        self._topology = Topology(spec)
        self._record, self._count, self._limit, self._watchdog = record, count, limit, watchdog
        self._window = activity
        self._notes = ""
        self._given_up = False
        self.cycles = 0  # simulated, all in all
        if files is None:
            files = _elaborate(spec, checks=checks, native=arith == "native")
        optimise = Optimise.ONCE if flat else Optimise.SHORT if checks else Optimise.LONG
        self.design = chip_design(files, waves=waves is not None, flat=flat, optimise=optimise)
        # A seed of 0 is a seed too, but means no stalls to the models.
        stall_seed = 0 if stalls is None else stalls + 1
        self._process = self._start(build(self.design), waves=waves, stalls=stall_seed, seed=seed)
        try:
            with tempfile.NamedTemporaryFile(
                prefix="weft-memory-", dir=_memory_folder(spec.channels * memory_bytes)
            ) as file:
                file.truncate(spec.channels * memory_bytes)
                self.memory: np.ndarray = np.memmap(file.name, np.uint8, "r+", shape=(spec.channels * memory_bytes,))
                self._process.ask("memory", file.name, memory_bytes, spec.channels)
            self._process.ask("watchdog", watchdog, limit)
            for channel in range(spec.channels):
                self._process.ask("timing", channel, latency, bandwidth, stall_seed)
        except BaseException:
            self._process.close()
            raise

    # -- the interface -----------------------------------------------------------------------------------

    def load(self, image: bytes) -> None:
        """Configure the context that the image names. DeviceError if it is for another fabric or damaged."""
        self._check_usable()
        if len(image) % 4:
            raise DeviceError(f"an image must be whole words, not {len(image)} bytes")
        status = self._run(
            ("write", HostRegister.COMMAND, [_IMAGE], 0),
            ("write", HostRegister.IMAGE, np.frombuffer(image, "<u4"), 0),
            ("read", HostRegister.STATUS),
        )[0]
        if status >> Status.IMAGE_REFUSED & 1:
            raise DeviceError("the chip refused the image: it is for another fabric, of another version, or damaged")

    def launch(self, context: int, arguments: dict[int, int]) -> Launch:
        """Run a context to its end. DeviceError if it fails, HangError if it hangs or takes too long."""
        self._check_usable()
        for index in arguments:
            if not 1 <= index <= self.spec.arguments:
                raise DeviceError(f"arguments must be numbered 1 to {self.spec.arguments}, not {index}")
        if not 0 <= context < self.spec.contexts:
            raise DeviceError(f"context must be 0 to {self.spec.contexts - 1}, not {context}")
        self._process.ask("taps", self._record)
        self._process.ask("sample", self._window)
        words = [
            ("write", HostRegister.ARGUMENT + 4 * index, [value & 0xFFFFFFFF], 0) for index, value in arguments.items()
        ]
        beats = [HostRegister.CHANNEL_BEATS + 4 * i for i in range(2 * self.spec.channels)]
        status, violation, cycles, *moved = self._run(
            *words,
            ("write", HostRegister.COMMAND, [_CLEAR], 0),
            ("write", HostRegister.COMMAND, [context << 8 | _LAUNCH], 0),
            ("wait",),
            *(("read", register) for register in (HostRegister.STATUS, HostRegister.VIOLATION, HostRegister.CYCLES)),
            *(("read", register) for register in beats),
        )
        if status >> Status.FAILED & 1 or violation:
            raise DeviceError(self._failure(context, violation))
        return Launch(
            cycles=cycles,
            buffers=self._buffers() if self._record else {},
            counters=self.counters() if self._count else {},
            channel_beats=tuple(zip(moved[::2], moved[1::2], strict=True)),
            activity=self._activity() if self._window else None,
        )

    def close(self) -> None:
        """End the simulator; waves are then complete."""
        self._process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # -- more than the interface -------------------------------------------------------------------------

    @property
    def simulated_khz(self) -> float:
        """Thousands of cycles simulated a second so far."""
        return self.cycles / self._process.seconds / 1e3 if self._process.seconds else 0.0

    @property
    def wall_seconds(self) -> float:
        """Seconds that the simulator has worked so far."""
        return self._process.seconds

    @property
    def cpu_seconds(self) -> float:
        """Processor time that the simulator has taken so far."""
        return self._process.cpu_seconds

    def read_register(self, address: int) -> int:
        """A word of the chip's AXI4-Lite space."""
        return self._run(("read", address))[0]

    def counters(self) -> dict[Tile, dict[str, int]]:
        """Busy, starved, blocked and beats of each tile since the last launch began."""
        tiles = list(self._topology.tiles)
        values = iter(self._read_tiles([(tile, counter) for tile in tiles for counter in _COUNTERS]))
        return {tile: {counter.name.lower(): next(values) for counter in _COUNTERS} for tile in tiles}

    def waiting(self) -> str:
        """Which tiles wait, and for which of their ports."""
        tiles = self._topology.tiles
        found = []
        for (tile, kind), bits in zip(
            tiles.items(), self._read_tiles([(tile, Counter.STATUS) for tile in tiles]), strict=True
        ):
            if words := describe_waits(self.spec, kind, bits):
                found.append(f"{kind.value} {tile} on {words}")
        return "; ".join(found) or "no tile"

    # -- how ---------------------------------------------------------------------------------------------

    def _start(self, simulator: Simulator, **options: Any) -> SimulatorProcess:
        return SimulatorProcess(simulator, **options)

    def _check_usable(self) -> None:
        if self._given_up:
            raise DeviceError(GIVEN_UP)

    def _read_tiles(self, what: list[tuple[Tile, Counter]]) -> list[int]:
        operations: list[tuple[Any, ...]] = []
        for tile, counter in what:
            address = self._topology.number(tile) << 8 | counter
            operations += [("write", HostRegister.READ_ADDRESS, [address], 0), ("read", HostRegister.READ_DATA)]
        return self._run(*operations)

    def _run(self, *operations: tuple[Any, ...]) -> list[int]:
        """Run host operations; the values read."""
        outcome, notes, values, self.cycles = self._process.ask("run", [_plain(*each) for each in operations])
        self._notes = notes
        self._given_up |= outcome in (_HUNG, _LIMIT)
        if outcome == _HUNG:
            waiting = self.waiting()
            raise HangError(f"the launch hung: nothing moved for {self._watchdog} cycles; waiting: {waiting}")
        if outcome:
            sentence = _OUTCOMES[outcome].format(limit=self._limit)
            raise (HangError if outcome == _LIMIT else DeviceError)(sentence + (f": {notes}" if notes else ""))
        return np.frombuffer(values, "<u4").tolist()

    def _failure(self, context: int, violation: int) -> str:
        reasons = [self._notes] if self._notes else []
        if violation:
            number = violation - 1
            tile = next((tile for tile in self._topology.tiles if self._topology.number(tile) == number), number)
            reasons.insert(0, f"agcu {tile} refused an access outside its segment or memory refused one of it")
        return "the launch failed: " + ("; ".join(reasons) or f"context {context} holds no image")

    def _buffers(self) -> dict[Tile, Beats]:
        tiles = {self._topology.number(tile): tile for tile in self._topology.tiles}
        return {tiles[number]: _beats(*recorded) for number, recorded in self._process.ask("fetch").items()}

    def _activity(self) -> Activity:
        paths, words = self._process.ask("activity")
        totals = np.frombuffer(words, "<u4").reshape(-1, len(paths), len(_COUNTERS))
        windows = np.diff(totals, axis=0, prepend=np.zeros_like(totals[:1]))
        # A path ends with tile_ROW_COLUMN.
        tiles = {Tile(*map(int, path.split("_")[-2:])): windows[:, index] for index, path in enumerate(paths)}
        return Activity(self._window, dict(sorted(tiles.items())))


def _plain(kind: str, address: int = 0, words: ArrayLike = (), *step: int) -> tuple[Any, ...]:
    """A host operation in plain types: of others the simulator would import what defines them."""
    data = (np.asarray(words, "<u4").tobytes(),) if step else ()
    return (kind, int(address), *data, *step)


def _beats(lanes: int, words: bytes, marks: bytes) -> Beats:
    """As :meth:`weft.sim.rtl.host_library.HostLibrary.taps` has them."""
    mark = np.frombuffer(marks, np.uint8)
    data = np.frombuffer(words, "<f4").reshape(-1, lanes)
    return Beats(data=data, stop=mark & 0x7F, void=(mark & 0x80) != 0)


def _memory_folder(size: int) -> str | None:
    """Where a file is memory and no disk, if there is room."""
    shared = Path("/dev/shm")
    try:
        status = os.statvfs(shared)
    except OSError:
        return None
    return str(shared) if status.f_bavail * status.f_frsize > 2 * size else None


def _elaborate(spec: FabricSpec, *, checks: bool, native: bool) -> dict[str, str]:
    from weft.hw.elaborate import elaborate  # needs Amaranth, which a given set of files does not

    # Sooner than after the Verilog is made.
    require()
    cache_folder()
    function: Callable[..., Any] = elaborate
    return dict(function(spec, checks=checks, taps=True, clock_gating=True, native=native).files)
