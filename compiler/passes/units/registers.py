"""Registers of a PCU: a straight line of stages in terms of values becomes stages in terms of registers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from xdsl.ir import SSAValue

from weft.compiler.passes.units.unfit import Unfit
from weft.hw.numerics.ops import Op
from weft.hw.program import Source, Stage
from weft.hw.spec import FabricSpec

__all__ = ["Node", "allocate_registers"]


@dataclass(frozen=True)
class Node:
    """A stage whose operands and result are values; an operand that is a source stands for itself.

    ``operands`` are by the stage's field: ``a``, ``b``, ``c``. With ``both`` a second stage like it follows, which
    takes register 1 for operand a: the other vector of a packed beat.
    """

    op: Op
    operands: Mapping[str, SSAValue | Source]
    result: SSAValue
    const: int = 0
    both: bool = False

    @property
    def values(self) -> Iterable[SSAValue]:
        """The values that it reads."""
        return [each for each in self.operands.values() if isinstance(each, SSAValue)]


def allocate_registers(
    nodes: Sequence[Node], inputs: Mapping[SSAValue, Source], result: SSAValue, spec: FabricSpec
) -> list[Stage]:
    """The stages; ``result`` ends in register 0, for which a stage more may be needed.

    ``inputs`` are the values that come from outside. One in a register is there before the first stage, whichever stage
    reads it first, and stays until the last one that does. A stage writes the lowest register that is free.

    Raises
    ------
    Unfit
        More stages or registers than a PCU has.
    """
    where = dict(inputs)
    last_use = {value: place for place, node in enumerate(nodes) for value in node.values}
    last_use[result] = len(nodes)
    stages = []
    for place, node in enumerate(nodes):
        fields = {
            slot: where[operand] if isinstance(operand, SSAValue) else operand
            for slot, operand in node.operands.items()
        }
        live = {where[value] for value, last in last_use.items() if last > place and value in where}
        free = [number for number in range(spec.registers) if Source(number) not in live]
        if not free:
            raise Unfit(f"registers = {spec.registers} are too few")
        stages.append(Stage(op=node.op, const=node.const, dst=free[0], **fields))
        if node.both:
            stages.append(replace(stages[-1], a=Source.REG1))
        where[node.result] = Source(free[0])
    if where[result] is not Source.REG0:
        stages.append(Stage(op=Op.PASS, a=where[result]))
    if len(stages) > spec.stages:
        raise Unfit(f"stages = {spec.stages} are too few")
    return stages
