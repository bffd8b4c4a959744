"""A checkpoint folder with smaller weights, made from another."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from weft.compiler.checkpoints.checkpoint import EMBEDDING, HEAD, WHOLE, checkpoint_files, read_checkpoint
from weft.compiler.checkpoints.end_tokens import GENERATION
from weft.compiler.checkpoints.json_fields import read_json_object
from weft.compiler.checkpoints.llama_config import METHOD, read_llama_config
from weft.compiler.checkpoints.quantised_tensors import scale_name, stored_tensors
from weft.compiler.checkpoints.safetensors_file import safetensors_bytes
from weft.compiler.checkpoints.tokenizer import FILE as TOKENIZER
from weft.compiler.checkpoints.tokenizer import other_tokenizers
from weft.compiler.errors import WeftError
from weft.compiler.weights.quantised import Quantisation, quantise

__all__ = ["quantised_files", "weight_bytes"]


def quantised_files(folder: Path, form: Quantisation) -> dict[str, bytes]:
    """The files of a checkpoint whose matrices are quantised, by name; embedding, norms and biases stay as they are.

    A head that was tied to the embedding gets weights of its own. Files of tokenizers, and of what ends a
    text, come along.

    Raises
    ------
    WeftError
        No checkpoint that Weft reads, or one that is quantised already.
    """
    checkpoint = read_checkpoint(folder)
    if checkpoint.config.quantisation is not None:
        raise WeftError(f"{folder}: weights must not be quantised already, but are {checkpoint.config.quantisation}")
    stored = checkpoint_files(folder)
    tensors: dict[str, NDArray[np.generic]] = {}
    for name in checkpoint.config.tensor_shapes():
        if checkpoint.config.is_matrix(name):
            tensors |= stored_tensors(name, quantise(checkpoint.tensors[name].T, form))
        else:
            entry = stored[name].entries[name]
            tensors[name] = stored[name].stored(name, entry.dtype, entry.shape)
    if checkpoint.config.tie_word_embeddings:
        tensors |= stored_tensors(HEAD, quantise(checkpoint.tensors[EMBEDDING].T, form))
    config = dict(read_json_object(folder / "config.json").fields)
    config |= {"tie_word_embeddings": False, "quantization_config": {"quant_method": METHOD, "format": form.value}}
    files = {"config.json": (json.dumps(config, indent=2) + "\n").encode(), WHOLE: safetensors_bytes(tensors)}
    for name in (TOKENIZER, GENERATION, *other_tokenizers(folder)):
        if (folder / name).is_file():
            files[name] = (folder / name).read_bytes()
    return files


def weight_bytes(folder: Path) -> int:
    """Stored bytes of the matrices that every token needs: those of the layers and the head, with their scales."""
    config, files = read_llama_config(folder / "config.json"), checkpoint_files(folder)
    names = [name for name in config.tensor_shapes() if config.is_matrix(name)]
    names += [scale_name(name) for name in names] if config.quantisation is not None else []
    names += [EMBEDDING] if config.tie_word_embeddings else []
    entries = [files[name].entries[name] for name in names]
    return sum(entry.end - entry.begin for entry in entries)
