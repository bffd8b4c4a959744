"""The PCU's Verilog with gated clocks gives the same beats as the functional model."""

from __future__ import annotations

import numpy as np
import pytest
from pcu_bench import SPEC, Given, beats, expected, nested_stops
from pcu_verilog import VerilogBench

from weft.hw.numerics.ops import Op, Reduction, Special
from weft.hw.program.pcu import Accumulate, Input, InputMode, Pcu, Source, Stage

EACH = Input(InputMode.EACH)


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> VerilogBench:
    return VerilogBench.make(SPEC, tmp_path_factory.mktemp("pcu"))


def _floats(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _product() -> tuple[Pcu, Given, Given]:
    program = Pcu(
        vector=(EACH,),
        scalar=(Input(InputMode.HOLD, 1),),
        stages=(Stage(Op.MULADD, Source.REG0, Source.SCALAR0, Source.ACC, dst=0),),
        accumulate=Accumulate.DRAIN,
        acc_row=1,
        acc_rank=2,
        vector_out=True,
    )
    return program, [beats(_floats(1, 60, SPEC.lanes), nested_stops(3, 5, 4))], [beats(_floats(2, 15))]


def _norm() -> tuple[Pcu, Given, Given]:
    program = Pcu(
        vector=(EACH,),
        stages=(
            Stage(Op.MULADD, Source.REG0, Source.REG0, Source.ACC, dst=0),
            Stage(Op.MUL, Source.REG0, Source.CONST, dst=0, const=0x3D800000),
        ),
        accumulate=Accumulate.REDUCE,
        acc_rank=1,
        reduction=Reduction.SUM,
        special=Special.RSQRT,
        vector_out=True,
        scalar_out=True,
    )
    return program, [beats(_floats(3, 60, SPEC.lanes), nested_stops(15, 4))], []


def _map() -> tuple[Pcu, Given, Given]:
    program = Pcu(
        vector=(EACH, EACH), stages=(Stage(), Stage(Op.MUL, Source.REG0, Source.REG1, dst=0)), vector_out=True
    )
    return program, [beats(_floats(4, 60, SPEC.lanes), nested_stops(60)), beats(_floats(5, 60, SPEC.lanes))], []


@pytest.mark.parametrize("case", [_product, _norm, _map])
@pytest.mark.parametrize("seed", [0, 1, 0xC0FFEE])
def test_gated_clocks_change_nothing(gated: VerilogBench, case: object, seed: int) -> None:
    assert callable(case)
    program, vector, scalar = case()
    golden = expected(SPEC, program, vector, scalar)
    assert golden.vector
    assert gated.run(program, vector, scalar, cycles=2000, seed=seed) == (golden.vector, golden.scalar)
