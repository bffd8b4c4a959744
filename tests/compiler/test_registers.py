"""Registers of a PCU: what comes from outside stays until its last reader, and results take what nobody needs."""

from __future__ import annotations

import pytest
from xdsl.dialects.test import TestOp as Values
from xdsl.ir import SSAValue

from weft.compiler.mapped.types import Kind, StreamType
from weft.compiler.passes.units.registers import Node, allocate_registers
from weft.compiler.passes.units.unfit import Unfit
from weft.hw.numerics.ops import Op
from weft.hw.presets import PRESETS
from weft.hw.program import Source

SPEC = PRESETS["demo"]


def values(count: int) -> tuple[SSAValue, ...]:
    return Values(result_types=[StreamType.make(Kind.VECTOR, (8,))] * count).results


def test_an_input_that_a_later_stage_reads_first_is_there_from_the_beginning() -> None:
    """x * x + x + b: register 1 is b's before any stage has read it."""
    x, b, square, more, result = values(5)
    nodes = [
        Node(Op.MUL, {"a": x, "b": x}, square),
        Node(Op.ADD, {"a": square, "c": x}, more),
        Node(Op.ADD, {"a": more, "c": b}, result),
    ]
    stages = allocate_registers(nodes, {x: Source.REG0, b: Source.REG1}, result, SPEC)
    assert [(stage.a, stage.b, stage.c, stage.dst) for stage in stages] == [
        (Source.REG0, Source.REG0, Source.REG0, 2),
        (Source.REG2, Source.REG0, Source.REG0, 0),
        (Source.REG0, Source.REG0, Source.REG1, 0),
    ]


def test_a_result_elsewhere_is_brought_to_register_0() -> None:
    x, b = values(2)
    (stage,) = allocate_registers([], {x: Source.REG0, b: Source.REG1}, b, SPEC)
    assert (stage.op, stage.a, stage.dst) == (Op.PASS, Source.REG1, 0)


def test_what_a_pcu_does_not_have_is_refused() -> None:
    x, b, square, result = values(4)
    nodes = [Node(Op.MUL, {"a": x, "b": x}, square), Node(Op.MULADD, {"a": square, "b": x, "c": b}, result)]
    inputs = {x: Source.REG0, b: Source.REG1}
    with pytest.raises(Unfit, match="registers = 2 are too few"):
        allocate_registers(nodes, inputs, result, SPEC.replace(registers=2, vector_inputs=2))
    with pytest.raises(Unfit, match="stages = 1"):
        allocate_registers(nodes, inputs, result, SPEC.replace(stages=1))
