"""Iterations of a program in one launch (kernel looping, arXiv 2410.23668), and state between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr, SymbolNameConstraint, SymbolRefAttr
from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from weft.compiler.step.dims import DimsAttr, dims_text, parse_dims
from weft.compiler.step.operation import (
    StepOperation,
    check_result,
    integer,
    parse_result_type,
    parse_symbol,
    parse_value,
    print_type,
    print_value,
)
from weft.compiler.step.symbols import declared
from weft.compiler.step.types import Element, StreamType, parse_element, stream_of

__all__ = ["KeepOp", "LastOp", "LoopOp", "RecallOp", "StateOp", "sizes_by_round"]


@irdl_op_definition
class LoopOp(StepOperation):
    """Declares that a launch iterates the whole program; there is at most one in a module.

    ``step.loop 5``: types of streams are per iteration; a tensor with ``each`` exists five times.

    ``step.loop 5 for round in tokens``: the launch does so once for each ``round`` from 0 to before ``tokens``, a size
    that it is given. Walks may begin at the round, and loads grow with it.
    """

    name = "step.loop"

    iterations_attr = prop_def(IntegerAttr)
    round_attr = opt_prop_def(StringAttr)
    rounds_attr = opt_prop_def(StringAttr)

    def __init__(self, iterations: int, *, round: str | None = None, rounds: str | None = None) -> None:
        names = {"round_attr": round, "rounds_attr": rounds}
        properties = {key: StringAttr(name) for key, name in names.items() if name is not None}
        super().__init__(properties={"iterations_attr": integer(iterations), **properties})

    @property
    def iterations(self) -> int:
        """How often each round iterates the program."""
        return self.iterations_attr.value.data

    @property
    def round(self) -> str | None:
        """The symbol that counts rounds, where there are several."""
        return None if self.round_attr is None else self.round_attr.data

    @property
    def rounds(self) -> str | None:
        """The symbol that says how many rounds there are."""
        return None if self.rounds_attr is None else self.rounds_attr.data

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        iterations = parser.parse_integer(allow_boolean=False)
        if parser.parse_optional_keyword("for") is None:
            return cls(iterations)
        name = parser.parse_identifier(" (a symbol that counts rounds)")
        parser.parse_keyword("in")
        return cls(iterations, round=name, rounds=parser.parse_identifier(" (a symbol, the number of rounds)"))

    def print(self, printer: Printer) -> None:
        """``5``, or ``5 for round in tokens``."""
        rounds = "" if self.round is None else f" for {self.round} in {self.rounds}"
        printer.print_string(f" {self.iterations}{rounds}")

    def verify_(self) -> None:
        if not 1 <= self.iterations <= 4095:
            raise VerifyException(f"iterations must be 1 to 4095, not {self.iterations}")


def sizes_by_round(module: ModuleOp, sizes: Mapping[str, int]) -> list[Mapping[str, int]]:
    """The sizes of a launch and the number of the round, for each of its rounds; without rounds the sizes alone."""
    loop = next((op for op in module.ops if isinstance(op, LoopOp)), None)
    if loop is None or loop.round is None or loop.rounds is None:
        return [sizes]
    return [{**sizes, loop.round: now} for now in range(sizes[loop.rounds])]


@irdl_op_definition
class StateOp(StepOperation):
    """Declares state: a stream that an iteration leaves on chip for the next.

    ``step.state @sum : f32 [11]``
    """

    name = "step.state"

    sym_name = prop_def(SymbolNameConstraint())
    element_attr = prop_def(StringAttr)
    shape_attr = prop_def(DimsAttr)
    traits = traits_def(SymbolOpInterface())

    def __init__(self, name: str, kind: StreamType) -> None:
        properties = {
            "sym_name": StringAttr(name),
            "element_attr": StringAttr(kind.element.value),
            "shape_attr": DimsAttr(kind.dims),
        }
        super().__init__(properties=properties)

    @property
    def kind(self) -> StreamType:
        """The type of the stream that is kept."""
        return StreamType.make(Element(self.element_attr.data), self.shape_attr.data)

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        name = parse_symbol(parser)
        parser.parse_punctuation(":")
        element = parse_element(parser)
        return cls(name.data, StreamType.make(element, parse_dims(parser)))

    def print(self, printer: Printer) -> None:
        """``@sum : f32 [11]``."""
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(f" : {self.kind.element.value} {dims_text(self.kind.dims)}")

    def verify_(self) -> None:
        if not self.kind.dims or any(not dim.number for dim in self.kind.dims) or self.kind.element.is_quantised:
            raise VerifyException(f"state must have sizes that are numbers of at least 1, not {self.kind}")


def _state(operation: StepOperation, symbol: SymbolRefAttr) -> StateOp:
    found = declared(operation, symbol, StateOp)
    if found is None:
        raise VerifyException(f"@{symbol.string_value()} must be declared by a step.state")
    return found


@irdl_op_definition
class RecallOp(StepOperation):
    """The state that the previous iteration kept; in the first of a round ``initial``.

    What only ``initial`` takes takes place in that iteration alone. It begins with a load.

    ``%old = step.recall @sum initial %start : !step.stream<f32, [11]>``
    """

    name = "step.recall"

    state = prop_def(SymbolRefAttr)
    initial = operand_def(StreamType)
    result = result_def(StreamType)

    def __init__(self, state: str, initial: SSAValue) -> None:
        super().__init__(
            operands=[initial], properties={"state": SymbolRefAttr(state)}, result_types=[stream_of(initial)]
        )

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        state = parse_symbol(parser)
        parser.parse_keyword("initial")
        operation = cls(state.data, parse_value(parser))
        check_result(operation, parse_result_type(parser))
        return operation

    def print(self, printer: Printer) -> None:
        """``@sum initial %start : type``."""
        printer.print_string(" ")
        printer.print_symbol_name(self.state.string_value())
        printer.print_string(" initial")
        print_value(printer, self.initial)
        print_type(printer, self.result.type)

    def verify_(self) -> None:
        kind = _state(self, self.state).kind
        if self.result.type != kind:
            raise VerifyException(f"@{self.state.string_value()} holds {kind}, and initial is {self.result.type}")
        if not self.initial.has_one_use():
            raise VerifyException("nothing else may take initial, which is there in the first iteration only")


@irdl_op_definition
class KeepOp(StepOperation):
    """Keeps a stream for the next iteration; the last iteration's is dropped.

    ``step.keep %y in @sum``
    """

    name = "step.keep"

    value = operand_def(StreamType)
    state = prop_def(SymbolRefAttr)

    def __init__(self, value: SSAValue, state: str) -> None:
        super().__init__(operands=[value], properties={"state": SymbolRefAttr(state)})

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        value = parse_value(parser)
        parser.parse_keyword("in")
        return cls(value, parse_symbol(parser).data)

    def print(self, printer: Printer) -> None:
        """``%y in @sum``."""
        print_value(printer, self.value)
        printer.print_string(" in ")
        printer.print_symbol_name(self.state.string_value())

    def verify_(self) -> None:
        kind = _state(self, self.state).kind
        if stream_of(self.value) != kind:
            raise VerifyException(f"@{self.state.string_value()} holds {kind}, not {stream_of(self.value)}")


@irdl_op_definition
class LastOp(StepOperation):
    """The stream of the last iteration alone. What takes it takes place in that iteration only.

    ``%y = step.last %x : !step.stream<f32, [11]>``
    """

    name = "step.last"

    value = operand_def(StreamType)
    result = result_def(StreamType)

    def __init__(self, value: SSAValue) -> None:
        super().__init__(operands=[value], result_types=[stream_of(value)])

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        operation = cls(parse_value(parser))
        check_result(operation, parse_result_type(parser))
        return operation

    def print(self, printer: Printer) -> None:
        """``%x : type``."""
        print_value(printer, self.value)
        print_type(printer, self.result.type)
