"""From logits to the next token, where a launch makes several."""

from __future__ import annotations

from xdsl.ir import SSAValue

from weft.compiler.step.accum import Reduction
from weft.compiler.step.builder import ProgramBuilder
from weft.compiler.step.map import Function
from weft.compiler.step.tensor import Role
from weft.compiler.step.types import Element, stream_of

__all__ = ["likeliest"]


def likeliest(build: ProgramBuilder, logits: SSAValue) -> SSAValue:
    """The first place of the largest of logits [vocabulary], as one i32; a NaN is larger than all, as in NumPy.

    Found in two passes: the largest, then the least place at which it stands.
    """
    size = stream_of(logits).dims[-1].number
    assert size is not None
    places = build.load(build.tensor("places", Element.F32, [size], Role.IOTA), name="places")
    top = build.accum(Reduction.MAX, logits, [0], name="top_logit")
    same = build.map(Function.EQ, logits, build.expand(top, [0], logits))
    found = build.map(Function.SELECT, same, places, float(size))
    # If there is a NaN it is the largest, and equals nothing, not even itself.
    found = build.map(Function.SELECT, build.map(Function.EQ, logits, logits), found, places)
    return build.convert(build.accum(Reduction.MIN, found, [0]), Element.I32)
