# amaranth: UnusedElaboratable=no
"""What parts of the PCU refuse to be."""

from __future__ import annotations

import pytest
from pcu_bench import SPEC

from weft.hw.pcu import Pcu
from weft.hw.pcu.stage import Stage


@pytest.mark.parametrize("number", [-1, SPEC.stages])
def test_a_stage_that_does_not_exist(number: int) -> None:
    with pytest.raises(ValueError, match=rf"number must be at least 0 and less than stages = 2, not {number}"):
        Stage(spec=SPEC, number=number)


def test_native_arithmetic_without_gated_clocks() -> None:
    with pytest.raises(ValueError, match="clock_gating must be True with native arithmetic, not False"):
        Pcu(spec=SPEC, native=True)
