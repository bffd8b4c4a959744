"""The `step` language: streaming tensor programs in elements and names, nothing of one fabric.

After Streaming Tensor Programs (arXiv 2511.07776); the user's guide is ``docs/step.md``.
"""

from weft.compiler.step.dialect import STEP, parse_program, print_program
from weft.compiler.step.dims import Dim
from weft.compiler.step.types import BufferType, Element, StreamType, TokenType

__all__ = ["STEP", "BufferType", "Dim", "Element", "StreamType", "TokenType", "parse_program", "print_program"]
