"""Which operations share a PCU: a chain of them becomes header, stages and tail of one program.

In three steps: the values from outside get ports, the operations become stages in terms of values, and the values get
registers (:mod:`weft.compiler.passes.units.registers`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from xdsl.ir import Operation, SSAValue

from weft.compiler.mapped.accum import AccumOp, ScanOp
from weft.compiler.mapped.beats import LaneOp, SpreadOp
from weft.compiler.mapped.map import MapOp
from weft.compiler.mapped.opening import OpeningOp
from weft.compiler.mapped.shape import FlattenOp, PromoteOp
from weft.compiler.mapped.types import Kind
from weft.compiler.mapped.values import stream
from weft.compiler.passes.units.draft import Draft
from weft.compiler.passes.units.ports import Ports, bring_inputs
from weft.compiler.passes.units.registers import Node, allocate_registers
from weft.compiler.passes.units.unfit import Unfit
from weft.hw.numerics.ops import Op
from weft.hw.program import Accumulate, Input, Pcu, Source, Stage
from weft.hw.spec import FabricSpec

__all__ = ["Cluster", "Unfit", "build"]


@dataclass
class Cluster:
    """A PCU's program and the values at its vector and scalar inputs, in the order of the ports."""

    program: Pcu
    vector: list[SSAValue]
    scalar: list[SSAValue]


def build(operations: Sequence[Operation], spec: FabricSpec) -> Cluster:
    """The program of one PCU for a chain of operations, the last of which gives the result.

    A sum of products with packed weights takes a packed beat in a step if there are stages for both of its vectors.

    Raises
    ------
    Unfit
        They need more than one PCU has.
    WeftError
        A row of an accumulation has more beats than the fabric has accumulators.
    """
    if min(spec.registers, spec.stages) > 1:
        with suppress(Unfit):
            return _build(operations, spec, both=True)
    return _build(operations, spec, both=False)


def _build(operations: Sequence[Operation], spec: FabricSpec, *, both: bool) -> Cluster:
    ports = Ports(spec)
    draft = Draft(spec, ports, chain=frozenset(operations), both=both)
    first, *others = operations
    if any(isinstance(each, OpeningOp) for each in others):
        raise Unfit("what says its program itself must come first")
    if isinstance(first, OpeningOp):
        draft.open(first)
    bring_inputs(ports, operations, accumulated=draft.program.accumulate is not Accumulate.OFF)
    draft.steps = next((value for value, source in ports.where.items() if source == ports.reference), None)
    for operation in operations:
        if isinstance(operation, MapOp):
            draft.map(operation)
        elif isinstance(operation, AccumOp | ScanOp):
            draft.accumulate(operation)
        elif isinstance(operation, FlattenOp | PromoteOp):
            draft.reshape(operation)
        elif isinstance(operation, SpreadOp | LaneOp):
            draft.rename(operation.result, operation.value)
    return _cluster(draft, operations[-1].results[0])


def _cluster(draft: Draft, result: SSAValue) -> Cluster:
    """The program, with registers."""
    ports, spec = draft.ports, draft.spec
    given = draft.body if draft.body is not None else draft.names.get(result, result)
    if draft.body is not None and draft.value is not draft.names.get(result, result):
        raise Unfit("result not at the end of the tail")
    reference = ports.finish()
    before = draft.program.stages
    if given in ports.where and ports.where[given] > Source.REG3:
        draft.nodes.append(Node(Op.PASS, {"a": ports.where.pop(given)}, given))
    stages = allocate_registers(draft.nodes, ports.where, given, spec)
    if len(before) + len(stages) > spec.stages:
        raise Unfit(f"stages = {spec.stages} are too few")
    body = (*before, *stages)
    rank, sub, add = draft.stop or (0, 0, 0)
    scalar = stream(result).kind is Kind.SCALAR
    program = replace(
        draft.program,
        vector=tuple(ports.modes.get((False, i), Input()) for i in range(spec.vector_inputs)),
        scalar=tuple(ports.modes.get((True, k), Input()) for k in range(spec.scalar_inputs)),
        reference=reference,
        unpack=draft.program.unpack or ports.unpack,
        unpack_odd=ports.unpack_odd,
        stages=body + (Stage(),) * (spec.stages - len(body)),
        stop_rank=rank,
        stop_sub=sub,
        stop_add=add,
        vector_out=not scalar,
        scalar_out=scalar,
    )
    return Cluster(program, ports.vector, ports.scalar)
