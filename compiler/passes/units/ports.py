"""The header of a PCU: which value comes in at which port."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.ir import Operation, SSAValue

from weft.compiler.backend.memory import row_beats
from weft.compiler.mapped.accum import AccumOp, ScanOp
from weft.compiler.mapped.beats import UnpackOp
from weft.compiler.mapped.expand import ExpandOp
from weft.compiler.mapped.opening import OpeningOp
from weft.compiler.mapped.types import Kind
from weft.compiler.mapped.values import stream
from weft.compiler.passes.units.unfit import Unfit
from weft.hw.program import Input, InputMode, Source, Unpack
from weft.hw.spec import FabricSpec

__all__ = ["Ports", "bring_inputs"]


@dataclass
class Ports:
    """The header: which value comes in where."""

    spec: FabricSpec
    vector: list[SSAValue] = field(default_factory=list)
    scalar: list[SSAValue] = field(default_factory=list)
    modes: dict[tuple[bool, int], Input] = field(default_factory=dict)
    where: dict[SSAValue, Source] = field(default_factory=dict)
    likes: list[SSAValue] = field(default_factory=list)
    reference: Source | None = None
    unpack: Unpack = Unpack.OFF
    unpack_odd: bool = False

    def bring(self, value: SSAValue, made_here: set[SSAValue]) -> None:
        """Allot a port to a value from outside; an expanded one is held against what it is like."""
        if not isinstance(value.owner, ExpandOp):
            self.where[value] = self.allot(value, Input(InputMode.EACH))
            return
        like, outer = value.owner.like, value.owner.value
        if outer in made_here:
            raise Unfit("expands what it computes")
        hold = stream(like).rank - stream(outer).rank
        self.where[value] = self.allot(outer, Input(InputMode.HOLD, hold))
        if like not in made_here:
            self.likes.append(like)

    def allot(self, value: SSAValue, mode: Input) -> Source:
        """The next port of the value's network."""
        unpack = isinstance(value.owner, UnpackOp)
        carried = value.owner.value if isinstance(value.owner, UnpackOp) else value
        scalar = stream(value).kind is Kind.SCALAR
        ports = self.scalar if scalar else self.vector
        if unpack:
            if self.vector:
                raise Unfit("packed beats must come first")
            columns = row_beats(stream(value).dims[-1], self.spec, packed=False)
            self.unpack, self.unpack_odd = Unpack.BF16, bool(columns % 2)
        if len(ports) == (self.spec.scalar_inputs if scalar else self.spec.vector_inputs):
            field = "scalar_inputs" if scalar else "vector_inputs"
            raise Unfit(f"{field} = {getattr(self.spec, field)} are too few")
        ports.append(carried)
        index = len(ports) - 1
        self.modes[scalar, index] = mode
        source = Source.scalar(index) if scalar else Source(index)
        if mode.mode is InputMode.EACH and self.reference is None:
            self.reference = source
        return source

    def finish(self) -> Source:
        """The reference: an input of which each beat makes a step."""
        if self.reference is None:
            if not self.likes:
                raise Unfit("no reference")
            self.allot(self.likes[0], Input(InputMode.EACH))
        assert self.reference is not None
        return self.reference


def bring_inputs(ports: Ports, operations: Sequence[Operation], *, accumulated: bool) -> None:
    """Ports for all values from outside, packed beats first, then in the order in which operations take them."""
    made_here: set[SSAValue] = {value for operation in operations for value in operation.results}
    brought: dict[SSAValue, None] = {}
    for operation in operations:
        if not isinstance(operation, OpeningOp):
            new = [value for value in operation.operands if value not in made_here and value not in brought]
            if new and accumulated:
                raise Unfit("inputs after an accumulation")
            brought |= dict.fromkeys(new)
        accumulated |= isinstance(operation, AccumOp | ScanOp)
    for value in sorted(brought, key=lambda each: not isinstance(each.owner, UnpackOp)):
        ports.bring(value, made_here)
