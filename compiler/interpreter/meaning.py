"""The table of meanings, one function an operation, and the launch that a function may read beside its operands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.utils.exceptions import VerifyException

from weft.compiler.errors import WeftError
from weft.compiler.interpreter.bounded import Bounded
from weft.compiler.step.dims import Dim
from weft.compiler.step.operation import StepOperation, line_of, name_of
from weft.compiler.step.types import BufferType, StreamType
from weft.compiler.step.walk import Walk
from weft.compiler.weights.quantised import Quantised

__all__ = ["MEANINGS", "Launch", "Value", "bounded", "means", "named", "refuse"]

Value: TypeAlias = Bounded | Quantised
"""What a stream or buffer holds; weights that only a matrix product takes stay as they are."""
Meaning: TypeAlias = Callable[..., tuple[Value, ...]]
_Function = TypeVar("_Function", bound=Meaning)

MEANINGS: dict[type[StepOperation], Meaning] = {}
"""``meaning(operation, launch, *values)`` by class: from the values of streams and buffers that an operation takes to
those that it gives. Tokens are no values, for operations take place in the order of the program."""


@dataclass
class Launch:
    """One launch: sizes of symbols, memory, and the iteration of the program's loop.

    Tensors of which there is one for each iteration have the iterations as their first dimension.
    """

    module: ModuleOp
    sizes: Mapping[str, int]
    iterations: int
    tensors: dict[str, Value]
    shards: int = 1
    """Into how many parts a sum may be cut, each rounded by itself."""
    iteration: int = 0
    kept: dict[str, Bounded] = field(default_factory=dict[str, Bounded])
    """what the iteration before has left, by state"""
    keeping: dict[str, Bounded] = field(default_factory=dict[str, Bounded])
    """what this one leaves"""

    def shape(self, dims: Sequence[Dim]) -> tuple[int, ...]:
        """Sizes as numbers."""
        return tuple(dim.at(self.sizes) for dim in dims)

    def shape_of(self, value: SSAValue) -> tuple[int, ...]:
        """The shape of a stream, or of a stream of buffers with what they hold."""
        kind = value.type
        assert isinstance(kind, StreamType | BufferType)
        return self.shape(kind.dims if isinstance(kind, StreamType) else (*kind.outer, *kind.inner))

    def check_walk(
        self, operation: StepOperation, walk: Walk, dims: Sequence[Dim], shape: Sequence[Dim], name: str
    ) -> None:
        """Check that a walk stays within a tensor, stream or buffer, for the sizes of this launch.

        Raises
        ------
        WeftError
            It leaves it: operation, name, dimension, and the sizes.
        """
        if 0 in self.shape(dims):
            return
        for dim in range(len(shape)):
            try:
                walk.check(dims, shape, dim, self.sizes, name)
            except VerifyException as error:
                given = ", ".join(f"{symbol} = {size}" for symbol, size in self.sizes.items())
                raise refuse(operation, f"{error}{f', where {given}' if given else ''}") from None


def means(kind: type[StepOperation]) -> Callable[[_Function], _Function]:
    """Registers a function as the meaning of an operation."""

    def register(function: _Function) -> _Function:
        MEANINGS[kind] = function
        return function

    return register


def bounded(value: Value) -> Bounded:
    """A value as numbers. Quantised weights reach only matrix products, as the language demands."""
    assert isinstance(value, Bounded)
    return value


def named(operation: Operation) -> str:
    """An operation as a sentence calls it: ``line 4: step.load (%x)``."""
    line = line_of(operation)
    result = next((name_of(value) for value in operation.results if value.name_hint), "")
    return f"{'' if line is None else f'line {line}: '}{operation.name}{f' ({result})' if result else ''}"


def refuse(operation: Operation, rule: str) -> WeftError:
    """The error that names an operation and the rule it breaks."""
    return WeftError(f"{named(operation)}: {rule}")
