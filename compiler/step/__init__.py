"""The `step` dialect: programs of streams, after Streaming Tensor Programs (arXiv 2511.07776)."""

from compiler.step.dialect import STEP, parse_module, print_module
from compiler.step.types import BufferType, Kind, StreamType

__all__ = ["STEP", "BufferType", "Kind", "StreamType", "parse_module", "print_module"]
