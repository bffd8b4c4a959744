"""A Llama decoder as a `step` program: a turn for each layer, the output head in the last."""

from weft.compiler.models.llama.module import decoder_module, prefill_module
from weft.compiler.models.llama.rows import GATE_UP
from weft.compiler.models.llama.shapes import Argument, DecoderShapes
from weft.compiler.models.llama.token import TOKENS
from weft.compiler.models.llama.weights import Weights, global_tensors, layer_tensors, mask_tensor, token_tensors

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
