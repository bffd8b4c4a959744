"""A Llama decoder as `step` programs: one for a layer, one for the output head."""

from compiler.decoder.head import head_module
from compiler.decoder.layer import layer_module
from compiler.decoder.shapes import Argument, DecoderShapes
from compiler.decoder.weights import global_tensors, layer_tensors

__all__ = ["Argument", "DecoderShapes", "global_tensors", "head_module", "layer_module", "layer_tensors"]
