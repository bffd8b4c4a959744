"""A Llama decoder as logical `step` programs, and its checkpoint's arrays as they declare them."""

from weft.compiler.models.llama.program import TOKENS, decode_program, prefill_program
from weft.compiler.models.llama.weights import Weights, global_tensors, layer_tensors, mask_tensor

__all__ = [
    "TOKENS",
    "Weights",
    "decode_program",
    "global_tensors",
    "layer_tensors",
    "mask_tensor",
    "prefill_program",
]
