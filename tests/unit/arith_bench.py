"""What the tests of the arithmetic share: operands worth trying, and a driver for rigid pipelines."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Elaboratable, EnableInserter, Module, Signal
from amaranth.sim import Simulator
from numpy.typing import NDArray

Bits = NDArray[np.uint32]

#: Zeros, subnormals, the edges of the normal range, infinities, NaNs with payloads, and neighbours
#: by one unit in the last place of numbers at which something changes.
MAGNITUDES = [
    0x00000000, 0x00000001, 0x00400000, 0x007FFFFF, 0x00800000, 0x00800001, 0x00FFFFFF, 0x01000000,
    0x1FFFFFFF, 0x20000000, 0x33800000, 0x3F000000, 0x3F7FFFFF, 0x3F800000, 0x3F800001, 0x3FFFFFFF,
    0x40000000, 0x4B7FFFFF, 0x4B800000, 0x5F800001, 0x7EFFFFFF, 0x7F000000, 0x7F7FFFFE, 0x7F7FFFFF,
    0x7F800000, 0x7F800001, 0x7FBFFFFF, 0x7FC00000, 0x7FFFFFFF,
]  # fmt: skip
CORNERS: Bits = np.array([sign | magnitude for magnitude in MAGNITUDES for sign in (0, 0x8000_0000)], dtype=np.uint32)


def corner_pairs() -> tuple[Bits, Bits]:
    """Every corner with every corner."""
    a, b = np.meshgrid(CORNERS, CORNERS)
    return a.ravel(), b.ravel()


def random_pairs(count: int, *, seed: int) -> tuple[Bits, Bits]:
    """Random bits: independent, near in exponent, almost cancelling, and with few fraction bits set."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 1 << 32, count, dtype=np.uint32)
    b = rng.integers(0, 1 << 32, count, dtype=np.uint32)
    quarter = count // 4
    near = rng.integers(-3, 28, quarter) << 23
    b[:quarter] = (a[:quarter].astype(np.int64) - near) & 0x7FFF_FFFF | (b[:quarter] & 0x8000_0000)
    steps = rng.integers(-70, 70, quarter)
    b[quarter : 2 * quarter] = (a[quarter : 2 * quarter].astype(np.int64) + steps) ^ 0x8000_0000
    ties = slice(2 * quarter, 3 * quarter)
    a[ties] &= 0xFF80_0007
    b[ties] = (b[ties] & 0x807C_0000) | (a[ties] & 0x7F80_0000)
    return a, b


def float_bits(x: NDArray[np.float32]) -> Bits:
    return np.asarray(x, dtype=np.float32).view(np.uint32)


def floats(bits: Bits) -> NDArray[np.float32]:
    return np.asarray(bits, dtype=np.uint32).view(np.float32)


def run(
    unit: Any,
    *,
    inputs: Mapping[str, Any],
    latency: int,
    skew: Mapping[str, int] | None = None,
    constant: Mapping[str, int] | None = None,
    stall_seed: int | None = None,
) -> Bits:
    """Feed one element of each input a cycle to ``unit`` and return what arrives at ``r``.

    Parameters
    ----------
    inputs
        Values by port, all equally long.
    latency
        Cycles after which the result of the first element must be at ``r``.
    skew
        Cycles by which a port receives its elements later than the others.
    constant
        Ports held at a value.
    stall_seed
        If given, the clock of the unit is disabled in random cycles, with garbage on its ports.
    """
    skew = skew or {}
    sequences = {port: [int(value) for value in values] for port, values in inputs.items()}
    count = len(next(iter(sequences.values())))
    assert count > 0
    assert all(len(values) == count for values in sequences.values())

    enable = Signal(init=1)
    top: Elaboratable = unit
    if stall_seed is not None:
        top = Module()
        top.submodules.unit = EnableInserter(enable)(unit)
    results: list[int] = []

    async def bench(ctx: Any) -> None:
        rng = np.random.default_rng(stall_seed)
        ticks = aiter(ctx.tick())  # one trigger for all cycles: it takes as long to make as a cycle to simulate
        for port, value in (constant or {}).items():
            ctx.set(getattr(unit, port), value)
        for cycle in range(count + latency):
            while stall_seed is not None and rng.random() < 0.4:
                ctx.set(enable, 0)
                for port in sequences:
                    ctx.set(getattr(unit, port), int(rng.integers(0, 2)))
                await anext(ticks)
            # All ports are set at once, for the simulator settles after each assignment.
            ports, given, at = [enable], 1, 1
            for port, values in sequences.items():
                position = cycle - skew.get(port, 0)
                if 0 <= position < count:
                    ports.append(getattr(unit, port))
                    given |= values[position] << at
                    at += len(ports[-1])
            ctx.set(Cat(*ports), given)
            if cycle >= latency:
                results.append(ctx.get(unit.r))
            await anext(ticks)
        await ticks.aclose()

    simulator = Simulator(top)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert len(results) == count
    return np.array(results, dtype=np.uint32)


def assert_same(got: Bits, expected: Bits, *operands: Bits) -> None:
    """Compare bit patterns and show the first difference with its operands."""
    assert got.shape == expected.shape
    wrong = np.flatnonzero(got != expected)
    if wrong.size:
        first = wrong[0]
        shown = ", ".join(f"{int(operand[first]):08x}" for operand in operands)
        raise AssertionError(
            f"{wrong.size} of {got.size} differ, first at {first}: "
            f"({shown}) gave {int(got[first]):08x} instead of {int(expected[first]):08x}"
        )
