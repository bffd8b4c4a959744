"""The mapped dialect: programs of streams as beats of one fabric, one unit an operation."""

from weft.compiler.mapped.dialect import MAPPED, parse_module, print_module
from weft.compiler.mapped.types import BufferType, Kind, StreamType

__all__ = ["MAPPED", "BufferType", "Kind", "StreamType", "parse_module", "print_module"]
