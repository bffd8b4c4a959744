"""A Llama decoder as a `step` program: a turn for each layer, the output head in the last."""

from compiler.decoder.module import decoder_module, prefill_module
from compiler.decoder.rows import GATE_UP
from compiler.decoder.shapes import Argument, DecoderShapes
from compiler.decoder.token import TOKENS
from compiler.decoder.weights import Weights, global_tensors, layer_tensors, mask_tensor, token_tensors

__all__ = [
    "GATE_UP",
    "TOKENS",
    "Argument",
    "DecoderShapes",
    "Weights",
    "decoder_module",
    "global_tensors",
    "layer_tensors",
    "mask_tensor",
    "prefill_module",
    "token_tensors",
]
