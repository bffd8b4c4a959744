"""The dialect as a whole, and programs from and to text."""

from __future__ import annotations

from io import StringIO

from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.ir import Dialect
from xdsl.printer import Printer
from xdsl.utils.exceptions import ParseError, VerifyException

from weft.compiler.errors import WeftError
from weft.compiler.modules import operations_of
from weft.compiler.step.check import check_program
from weft.compiler.step.dims import DimsAttr
from weft.compiler.step.operation import StepOperation
from weft.compiler.step.parse_error import parse_error_sentence
from weft.compiler.step.parser import StepParser
from weft.compiler.step.shard import ShardAttr
from weft.compiler.step.types import BufferType, StreamType, TokenType
from weft.compiler.step.walk import WalkAttr

__all__ = ["STEP", "parse_program", "print_program"]

STEP = Dialect(
    "step",
    operations_of("weft.compiler.step", StepOperation),
    [BufferType, DimsAttr, StreamType, ShardAttr, TokenType, WalkAttr],
)


def parse_program(text: str, name: str = "program") -> ModuleOp:
    """A checked program from its text.

    Raises
    ------
    WeftError
        Text that is no module of step operations, or one that breaks a rule of theirs: with line and operation.
    """
    context = Context()
    context.load_dialect(Builtin)
    context.load_dialect(STEP)
    try:
        module = StepParser(context, text, name).parse_module()
    except ParseError as error:
        raise WeftError(f"{name} {parse_error_sentence(error, text)}") from None
    except VerifyException as error:
        raise WeftError(f"{name}: {' '.join(str(error).split())}") from None
    check_program(module, name)
    return module


def print_program(module: ModuleOp) -> str:
    """The text of a program; :func:`parse_program` reads it back equal."""
    out = StringIO()
    Printer(stream=out).print_op(module)
    return out.getvalue() + "\n"
