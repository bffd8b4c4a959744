"""What has been made of a program so far: mapped operations, launch arguments, names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Operation, SSAValue

from weft.compiler.errors import WeftError
from weft.compiler.mapped.launch import NonEmptyOp, SizeOp, Unit
from weft.compiler.mapped.offchip import LinearLoadOp, LinearStoreOp, RandomLoadOp
from weft.compiler.passes.layout.laid import Laid
from weft.compiler.step.dims import Dim
from weft.compiler.step.iterations import Iterations
from weft.compiler.step.operation import inherit_line, line_of, origin_of
from weft.hw.spec import FabricSpec

__all__ = ["Emitting"]

AnyOperation = TypeVar("AnyOperation", bound=Operation)


@dataclass
class Emitting:
    """A program being laid out on a fabric: the mapped operations so far, and what carries each logical stream."""

    spec: FabricSpec
    operations: list[Operation] = field(default_factory=list)
    values: dict[SSAValue, Laid] = field(default_factory=dict)
    arguments: dict[tuple[Dim, Unit, int], int] = field(default_factory=dict)
    current: Operation | None = None
    names: set[str] = field(default_factory=set)
    most: dict[str, int] = field(default_factory=dict)
    """The largest value of each symbol."""
    filled: set[Dim] = field(default_factory=set)
    """Sizes that no launch may bring as 0."""
    round: str | None = None
    """The symbol that counts rounds."""
    iterations: Iterations = Iterations.EVERY
    """In which the operation that is being laid out takes place."""

    def emit(self, operation: AnyOperation, hint: str | None = None) -> AnyOperation:
        """Append a mapped operation; ``hint`` names its first result."""
        self.operations.append(operation)
        if self.current is not None:
            inherit_line(operation, self.current)
        if self.iterations is not Iterations.EVERY and isinstance(
            operation, LinearLoadOp | LinearStoreOp | RandomLoadOp
        ):
            operation.properties["when"] = StringAttr(self.iterations.value)
        if hint is not None and operation.results:
            operation.results[0].name_hint = hint
        return operation

    def exchange(self, old: Operation, new: AnyOperation) -> AnyOperation:
        """Put another operation in the place of one; it may have more results."""
        self.operations[self.operations.index(old)] = new
        for before, after in zip(old.results, new.results, strict=False):
            after.name_hint = before.name_hint
            before.replace_all_uses_with(after)
            for laid in self.values.values():
                for field_name in ("vector", "scalar", "packed"):
                    if getattr(laid, field_name) is before:
                        setattr(laid, field_name, after)
        old.erase()
        return new

    def refuse(self, rule: str) -> WeftError:
        """The error of the operation that is being laid out."""
        if self.current is None:
            return WeftError(rule)
        line = line_of(self.current)
        where = f"line {line}: " if line is not None else ""
        return WeftError(f"{where}{origin_of(self.current)}: {rule}")

    def argument(self, size: Dim, unit: Unit, per: int = 1) -> int:
        """The launch argument that holds a size."""
        if self.round in size.symbols:
            raise self.refuse(
                f"{size} changes with {self.round}: only sizes of loads can, and where walks begin along any dimension "
                "but the last"
            )
        key = (size, unit, per)
        if key not in self.arguments:
            index = len(self.arguments) + 1
            if index > self.spec.arguments:
                raise self.refuse(
                    f"a launch must have at most arguments = {self.spec.arguments} sizes on fabric "
                    f"{self.spec.name!r}: set arguments={2 * self.spec.arguments + 1}"
                )
            self.arguments[key] = index
            self.operations.insert(0, SizeOp(index, size, unit, per))
        return self.arguments[key]

    def largest(self, size: Dim) -> int:
        """The largest that a size can be."""
        return size.at(self.most)

    def non_empty(self, dims: Iterable[Dim], rule: str) -> None:
        """Refuse launches in which one of these sizes is 0."""
        for dim in dims:
            if dim.number is None and dim not in self.filled and dict(dim.terms).get((), 0) < 1:
                self.filled.add(dim)
                self.operations.insert(0, NonEmptyOp(dim, str(self.refuse(rule))))

    def fresh(self, base: str) -> str:
        """An unused name for a tensor that the compiler adds."""
        name, number = base, 2
        while name in self.names:
            name, number = f"{base}_{number}", number + 1
        self.names.add(name)
        return name
