"""A PCU with native arithmetic gives the beats of one with real logic, in the same cycles, and those of the model."""

from __future__ import annotations

import numpy as np
import pytest
from arith_bench import CORNERS, corner_pairs, float_bits, floats, random_pairs
from pcu_bench import SPEC, Given, beats, expected, nested_stops
from pcu_verilog import VerilogBench

from weft.hw.elaborate import elaborate
from weft.hw.numerics import mul
from weft.hw.numerics.ops import Conversion, Op, Reduction, Special
from weft.hw.presets import PRESETS
from weft.hw.program.pcu import Accumulate, Input, InputMode, Pcu, Source, Stage
from weft.sim.rtl.testbench import chip_design

EACH = Input(InputMode.EACH)
CYCLES = 4000


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> VerilogBench:
    return VerilogBench.make(SPEC, tmp_path_factory.mktemp("native"), native=True)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> VerilogBench:
    return VerilogBench.make(SPEC, tmp_path_factory.mktemp("rtl"))


def _same(native: VerilogBench, real: VerilogBench, program: Pcu, vector: Given, scalar: Given, seed: int) -> None:
    golden = expected(SPEC, program, vector, scalar)
    assert golden.vector
    lines = native.arrivals(program, vector, scalar, cycles=CYCLES, seed=seed)
    assert native.received(lines) == (golden.vector, golden.scalar)
    assert lines == real.arrivals(program, vector, scalar, cycles=CYCLES, seed=seed)


def _lanes(words: np.ndarray) -> np.ndarray:
    return words[: len(words) // SPEC.lanes * SPEC.lanes].reshape(-1, SPEC.lanes)


def _operands() -> tuple[np.ndarray, np.ndarray]:
    pairs = corner_pairs(), random_pairs(8000, seed=11)
    a, b = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
    return _lanes(a), _lanes(b)


@pytest.mark.parametrize("op", Op)
def test_every_operation_on_corners_and_at_random(native: VerilogBench, real: VerilogBench, op: Op) -> None:
    a, c = _operands()
    b = np.random.default_rng(op).permuted(np.where(op == Op.SELECT, np.roll(a, 1), c))
    if op is Op.MULADD:
        # Sums that almost cancel the product.
        b, c = c, b
        c[::2] = float_bits(mul(floats(a), floats(b)))[::2] ^ 0x8000_0000
        c[::4] += np.uint32(1)
    program = Pcu(
        vector=(EACH, EACH, EACH),
        stages=(Stage(), Stage(op, Source.REG0, Source.REG1, Source.REG2, dst=0)),
        vector_out=True,
    )
    _same(native, real, program, [beats(a), beats(b), beats(c)], [], seed=0)


@pytest.mark.parametrize(
    "tail",
    [
        *({"special": op} for op in Special),
        *({"conversion": op} for op in Conversion),
        *({"reduction": op} for op in Reduction),
        {"reduction": Reduction.SUM, "special": Special.SIGMOID, "conversion": Conversion.TO_BF16},
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", [0, 3])
def test_every_tail_on_corners_and_at_random(native: VerilogBench, real: VerilogBench, tail: dict, seed: int) -> None:
    rng = np.random.default_rng(5)
    moderate = (rng.normal(size=2000) * 30).astype(np.float32).view(np.uint32)
    words = np.concatenate([CORNERS, rng.integers(0, 1 << 32, 2000, dtype=np.uint32), moderate])
    program = Pcu(vector=(EACH,), vector_out=True, scalar_out=True, **tail)
    _same(native, real, program, [beats(_lanes(words))], [], seed)


@pytest.mark.parametrize("accumulate", [Accumulate.REDUCE, Accumulate.SCAN, Accumulate.DRAIN])
@pytest.mark.parametrize(("seed", "row_lanes"), [(0, 0), (1, 0), (0xC0FFEE, 0), (0, 3), (5, 1)])
def test_accumulators_with_void_beats(
    native: VerilogBench, real: VerilogBench, accumulate: Accumulate, seed: int, row_lanes: int
) -> None:
    rng = np.random.default_rng(7)
    sizes = (3, 5, 4) if accumulate is Accumulate.DRAIN else (15, 4)
    program = Pcu(
        vector=(EACH,),
        scalar=(Input(InputMode.HOLD, 1),),
        stages=(Stage(Op.MULADD, Source.REG0, Source.SCALAR0, Source.ACC, dst=0),),
        accumulate=accumulate,
        acc_row=1 if accumulate is Accumulate.DRAIN else 0,
        acc_rank=len(sizes) - 1,
        row_lanes=row_lanes,
        vector_out=True,
    )
    data = rng.normal(size=(60, SPEC.lanes)).astype(np.float32)
    vector = [beats(data, nested_stops(*sizes), rng.random(60) < 0.3)]
    _same(native, real, program, vector, [beats(rng.normal(size=(15, 1)))], seed)


# A chip that is elaborated soon.
CHIP = PRESETS["tiny"].replace(lanes=2, stages=1, channel_bits=32)


def test_native_arithmetic_needs_gated_clocks() -> None:
    with pytest.raises(ValueError, match="clock_gating must be True with native arithmetic, not False"):
        elaborate(CHIP, native=True)


def test_real_logic_is_the_default_and_has_no_native_function() -> None:
    files = elaborate(CHIP).files
    assert not any("weft_native" in name + text for name, text in files.items())
    assert "weft_native_functions.cpp" not in chip_design(files).cpp


def test_native_functions_are_built_with_the_chip_that_calls_them() -> None:
    files = elaborate(CHIP, clock_gating=True, native=True).files
    assert "weft_native_function" in files["weft_tile_pcu.v"]
    assert {"weft_native_functions.cpp", "weft_native_tables.h"} <= chip_design(files).cpp.keys()
