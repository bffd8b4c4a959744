"""The dialect as a whole, and modules from and to text."""

from __future__ import annotations

from io import StringIO

from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.ir import Dialect
from xdsl.irdl import IRDLOperation
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import ParseError, VerifyException

from weft.compiler.errors import WeftError
from weft.compiler.mapped.loop import LoopOp
from weft.compiler.mapped.types import BufferType, StreamType
from weft.compiler.modules import operations_of
from weft.compiler.step.dims import DimsAttr
from weft.compiler.step.shard import ShardAttr

__all__ = ["MAPPED", "parse_module", "print_module"]

MAPPED = Dialect(
    "mapped", operations_of("weft.compiler.mapped", IRDLOperation), [BufferType, DimsAttr, ShardAttr, StreamType]
)


def parse_module(text: str, name: str = "program") -> ModuleOp:
    """A verified module from its text.

    Raises
    ------
    WeftError
        Text that is not a module of builtin and mapped operations, or one that breaks a rule of theirs.
    """
    context = Context()
    context.load_dialect(Builtin)
    context.load_dialect(MAPPED)
    try:
        module = Parser(context, text, name).parse_module()
        module.verify()
        loops = sum(isinstance(op, LoopOp) for op in module.ops)
        if loops > 1:
            raise VerifyException(f"a module must have at most one mapped.loop, not {loops}")
        for op in module.walk():
            if op.attributes and op is not module:
                raise VerifyException(f"{op.name} must not have an attribute {next(iter(op.attributes))!r}")
    except ParseError as error:
        line = text.count("\n", 0, error.span.start) + 1
        raise WeftError(f"{name} line {line}: {error.msg}") from None
    except VerifyException as error:
        raise WeftError(f"{name}: {' '.join(str(error).split())}") from None
    except OverflowError:
        raise WeftError(f"{name}: every number must fit its type, and one is too large") from None
    except RecursionError:
        raise WeftError(f"{name}: modules must not be nested so deeply") from None
    return module


def print_module(module: ModuleOp) -> str:
    """The text of a module; :func:`parse_module` reads it back equal."""
    out = StringIO()
    Printer(stream=out).print_op(module)
    return out.getvalue() + "\n"
