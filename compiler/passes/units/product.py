"""The PCU program of a product with matrices of small weights."""

from __future__ import annotations

from weft.compiler.backend.memory import row_beats
from weft.compiler.errors import WeftError
from weft.compiler.mapped.product import ProductOp
from weft.compiler.mapped.values import stream
from weft.hw.numerics.ops import Op
from weft.hw.program import Accumulate, Input, InputMode, Pcu, Source, Stage, Unpack
from weft.hw.spec import FabricSpec

__all__ = ["product_program"]


def product_program(op: ProductOp, spec: FabricSpec) -> Pcu:
    """Each row of a step has a stage with accumulators of its own; draining adds them up, and scales.

    Raises
    ------
    WeftError
        PCUs too small for the format, more columns than accumulators, or groups of columns that are no whole vectors.
    """
    weights = stream(op.weights)
    form = Unpack[weights.kind.name]
    vectors = row_beats(weights.dims[-1], spec, packed=False)
    name = op.result.name_hint or "unnamed"
    scaled = form is Unpack.INT8
    if shortage := form.shortage(spec):
        raise WeftError(
            f"{weights.kind.value} weights need at least "
            + " and ".join(f"{field} = {least}" for field, least in shortage.items())
            + f", but fabric {spec.name!r} has "
            + " and ".join(f"{field} = {getattr(spec, field)}" for field in shortage)
            + ": set "
            + " ".join(f"{field}={least}" for field, least in shortage.items())
        )
    if vectors > spec.acc_depth:
        raise WeftError(
            f"a row of {op.name} ({name}) must be at most acc_depth = {spec.acc_depth} beats in fabric {spec.name!r}, "
            f"not {vectors}: set acc_depth={1 << (vectors - 1).bit_length()}"
        )
    groups = weights.rank > 2 and op.rows is None
    if groups and weights.dims[-1] % spec.lanes:
        raise WeftError(
            f"a group of columns of {op.name} ({name}) must be a multiple of lanes = {spec.lanes}, "
            f"not {weights.dims[-1]}"
        )
    stages = [Stage(Op.MULADD, Source(row), Source.scalar(row), Source.ACC) for row in range(form.width)]
    if scaled:
        stages.append(Stage(Op.MUL, Source.REG0, Source.REG1))
    return Pcu(
        vector=(Input(InputMode.EACH),),
        scalar=(Input(InputMode.HOLD, 1),) * form.width,
        unpack=form,
        unpack_row=vectors,
        stages=tuple(stages),
        accumulate=Accumulate.DRAIN,
        acc_row=1,
        acc_rank=2,
        drain_sum=True,
        drain_scale=scaled,
        stop_rank=2,
        stop_sub=1 + groups,
    )
