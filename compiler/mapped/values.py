"""Values of the mapped dialect, looked at by passes."""

from __future__ import annotations

from xdsl.ir import SSAValue
from xdsl.utils.exceptions import VerifyException

from weft.compiler.mapped.types import StreamType

__all__ = ["stream", "used"]


def stream(value: SSAValue) -> StreamType:
    """The stream type of a value."""
    if not isinstance(value.type, StreamType):
        raise VerifyException(f"operand must be a stream, not {value.type}")
    return value.type


def used(value: SSAValue) -> bool:
    """Whether any operation takes a value."""
    return value.first_use is not None
