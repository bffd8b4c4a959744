"""Reads a Hugging Face style checkpoint folder: `config.json` and safetensors, whole or sharded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import cast

import numpy as np
from numpy.typing import NDArray

from weft.compiler.checkpoints.json_fields import read_json_object
from weft.compiler.checkpoints.llama_config import LlamaConfig, read_llama_config
from weft.compiler.checkpoints.quantised_tensors import read_quantised, scale_name
from weft.compiler.checkpoints.safetensors_file import SafetensorsFile, open_safetensors
from weft.compiler.errors import WeftError
from weft.compiler.weights.quantised import Quantised
from weft.hw.shown import shown

WHOLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
EMBEDDING = "model.embed_tokens.weight"
HEAD = "lm_head.weight"

Array = NDArray[np.float32]


@dataclass(frozen=True)
class LlamaCheckpoint:
    """A decoder and its weights.

    `tensors` has every name of `config.tensor_shapes()`: float32, values as stored, finite, read-only. For those that
    are quantised these are the numbers that they stand for, and `quantised` has what is stored, [in, out].
    """

    config: LlamaConfig
    tensors: Mapping[str, Array]
    quantised: Mapping[str, Quantised] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def embedding(self) -> Array:
        """[vocab_size, hidden_size]."""
        return self.tensors[EMBEDDING]

    @property
    def head(self) -> Array:
        """The output head, [vocab_size, hidden_size]; the embedding where the two are tied."""
        return self.tensors[EMBEDDING if self.config.tie_word_embeddings else HEAD]

    def layer(self, layer: int) -> dict[str, Array]:
        """One layer's tensors, by their names within the layer, such as `self_attn.q_proj.weight`."""
        prefix = f"model.layers.{layer}."
        return {name.removeprefix(prefix): self.tensors[name] for name in self.config.layer_shapes(layer)}


def read_checkpoint(folder: Path | str) -> LlamaCheckpoint:
    """Reads the checkpoint in `folder`.

    Raises:
        WeftError: the folder, a file or a shard is missing, or a file is truncated or no JSON or safetensors.
        WeftError: the architecture is not `LlamaForCausalLM`.
        WeftError: a field of `config.json` is missing or breaks its rule.
        WeftError: a tensor is missing, or has no place in the configuration.
        WeftError: a tensor has the wrong shape or type, or holds an infinity or a NaN.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise WeftError(f"{folder}: the checkpoint must be a folder with config.json and {WHOLE}")
    config = read_llama_config(folder / "config.json")
    files = checkpoint_files(folder)
    for name, _ in config.tensors():  # as many as config.json claims, which may be far more than there are
        if name not in files:
            raise WeftError(f"{folder}: tensor {name!r} is missing")
    shapes = config.tensor_shapes()
    small = {name for name in shapes if config.quantisation is not None and config.is_matrix(name)}
    for name in map(scale_name, sorted(small)):
        if name not in files:
            raise WeftError(f"{folder}: tensor {name!r} is missing")
    quantised, tensors = dict[str, Quantised](), dict[str, Array]()
    for name, shape in shapes.items():
        if config.quantisation is not None and name in small:
            quantised[name] = read_quantised(files, name, shape, config.quantisation)
            tensors[name] = np.ascontiguousarray(quantised[name].values().T)
            tensors[name].flags.writeable = False
        else:
            tensors[name] = _tensor(files[name], name, shape)
    _check_leftovers(config, files, {*tensors, *map(scale_name, small)}, tensors[EMBEDDING])
    return LlamaCheckpoint(config, MappingProxyType(tensors), MappingProxyType(quantised))


def checkpoint_files(folder: Path) -> dict[str, SafetensorsFile]:
    """The file that holds each tensor; of those in shards, which the index names.

    Raises:
        WeftError: a file or a shard is missing, truncated or no safetensors.
        WeftError: the index places a tensor where it is not, or it is in another shard as well.
    """
    if (folder / WHOLE).exists():
        whole = open_safetensors(folder / WHOLE)
        return dict.fromkeys(whole.entries, whole)
    if not (folder / INDEX).exists():
        raise WeftError(f"{folder}: the checkpoint must hold {WHOLE} or {INDEX}, and has neither")
    weight_map = read_json_object(folder / INDEX).inner("weight_map").fields
    shards: dict[str, SafetensorsFile] = {}
    for name, shard in weight_map.items():
        if not isinstance(shard, str) or Path(shard).name != shard or not shard.isprintable() or shard in ("", ".."):
            rule = f"the file of tensor {shown(name)} must be a plain file name"
            raise WeftError(f"{folder / INDEX}: {rule}, not {shown(shard)}")
        if shard not in shards:
            shards[shard] = open_safetensors(folder / shard)
        if name not in shards[shard]:
            raise WeftError(f"{folder / shard}: tensor {name!r} is missing, though {INDEX} places it there")
    for shard, file in shards.items():
        for name in file.entries:
            if weight_map.get(name, shard) != shard:
                rule = f"must not be there, for {INDEX} places it in {weight_map[name]}"
                raise WeftError(f"{file.file}: tensor {shown(name)} {rule}")
    return {name: shards[cast(str, shard)] for name, shard in weight_map.items()}


def _tensor(file: SafetensorsFile, name: str, shape: tuple[int, ...]) -> Array:
    given = file.entries[name].shape
    if given != shape:
        raise WeftError(f"{file.file}: tensor {name!r} must have shape {list(shape)}, not {list(given)}")
    values = file.read(name)
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise WeftError(f"{file.file}: tensor {name!r} must be finite, but {bad} of its {values.size} values are not")
    values.flags.writeable = False
    return values


def _check_leftovers(config: LlamaConfig, files: dict[str, SafetensorsFile], used: set[str], embedding: Array) -> None:
    """Refuses tensors that would change the result but have no place, those too that an index leaves out.

    Old rotary buffers change nothing.
    """
    held = {name: file for file in {id(each): each for each in files.values()}.values() for name in file.entries}
    for name in sorted(held.keys() - used):
        if name.endswith("rotary_emb.inv_freq"):
            continue
        file = held[name]
        if name != HEAD:
            raise WeftError(f"{file.file}: tensor {shown(name)} must not be there, for config.json gives it no place")
        if not np.array_equal(_tensor(file, HEAD, (config.vocab_size, config.hidden_size)), embedding):
            raise WeftError(f"{file.file}: tensor {HEAD!r} must equal {EMBEDDING!r} where tie_word_embeddings is true")
