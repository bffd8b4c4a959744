"""The lay-out, from elements to beats: lanes, vectors or scalars, strides in words, masks."""

from weft.compiler.passes.layout.layout import LayOut

__all__ = ["LayOut"]
