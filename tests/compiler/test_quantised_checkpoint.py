"""Quantised checkpoints: what is written is what is read, and every broken one is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from small_checkpoint import QUERY, WEIGHTS, small_tensors, write_config, write_shards, write_whole

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint, read_checkpoint
from weft.compiler.checkpoints.quantised_checkpoint import quantised_files, weight_bytes
from weft.compiler.errors import WeftError
from weft.compiler.models.llama import global_tensors, layer_tensors
from weft.compiler.weights.quantised import Quantisation, Quantised, quantise

FORMS = list(Quantisation)
SHIPPED = Path(__file__).parents[2] / "models" / "weft-tiny"
HEAD, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"


def original(folder: Path, **changes: object) -> Path:
    folder.mkdir()
    write_config(folder, **changes)
    tensors = small_tensors()
    if changes.get("tie_word_embeddings"):
        del tensors[HEAD]
    write_whole(folder, tensors)
    return folder


def quantised(folder: Path, source: Path, form: Quantisation) -> Path:
    folder.mkdir()
    for name, content in quantised_files(source, form).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_is_read_again(tmp_path: Path, form: Quantisation) -> None:
    before = read_checkpoint(original(tmp_path / "a"))
    after = read_checkpoint(quantised(tmp_path / "b", tmp_path / "a", form))
    assert after.config.quantisation is form
    assert {name for name in after.tensors if name.endswith("_proj.weight")} | {HEAD} == set(after.quantised)
    for name, values in before.tensors.items():
        if name not in after.quantised:
            np.testing.assert_array_equal(after.tensors[name], values)
            continue
        expected, given = quantise(values.T, form), after.quantised[name]
        np.testing.assert_array_equal(given.elements, expected.elements)
        np.testing.assert_array_equal(given.scales, expected.scales)
        np.testing.assert_array_equal(after.tensors[name], expected.values().T)
        assert not after.tensors[name].flags.writeable


def test_shards_can_be_quantised(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.mkdir()
    write_config(source)
    write_shards(source, small_tensors())
    assert read_checkpoint(quantised(tmp_path / "b", source, Quantisation.INT8)).quantised


@pytest.mark.parametrize("form", FORMS)
def test_a_tied_head_gets_weights_of_its_own(tmp_path: Path, form: Quantisation) -> None:
    before = read_checkpoint(original(tmp_path / "a", tie_word_embeddings=True))
    after = read_checkpoint(quantised(tmp_path / "b", tmp_path / "a", form))
    assert not after.config.tie_word_embeddings
    np.testing.assert_array_equal(after.embedding, before.embedding)
    np.testing.assert_array_equal(after.head, quantise(before.embedding.T, form).values().T)


def test_bytes_of_weights(tmp_path: Path) -> None:
    numbers = 2 * (24 * 12 + 12 * 12 + 12 * 12 + 12 * 24 + 3 * 20 * 12) + 11 * 12
    outs = 2 * (24 + 12 + 12 + 12 + 20 + 20 + 12) + 11
    source = original(tmp_path / "a")
    assert weight_bytes(source) == 2 * numbers
    assert weight_bytes(quantised(tmp_path / "b", source, Quantisation.INT8)) == numbers + 4 * outs
    assert weight_bytes(quantised(tmp_path / "c", source, Quantisation.MXFP4)) == numbers // 2 + outs
    tied = original(tmp_path / "d", tie_word_embeddings=True)
    assert weight_bytes(tied) == 2 * numbers


def test_quantised_weights_are_not_quantised_again(tmp_path: Path) -> None:
    folder = quantised(tmp_path / "b", original(tmp_path / "a"), Quantisation.INT8)
    with pytest.raises(WeftError, match="must not be quantised already, but are int8"):
        quantised_files(folder, Quantisation.MXFP4)


Edit = Callable[[dict[str, Any]], object]
SCALE = f"{QUERY}_scale"
BROKEN: list[tuple[Quantisation, Edit, str]] = [
    (Quantisation.INT8, lambda t: t.pop(SCALE), f"tensor '{SCALE}' is missing"),
    (
        Quantisation.INT8,
        lambda t: t.update({QUERY: t[QUERY].astype(np.float32)}),
        rf"tensor '{QUERY}' must be I8 of shape \[24, 12\], not F32 of shape \[24, 12\]",
    ),
    (
        Quantisation.INT8,
        lambda t: t.update({SCALE: t[SCALE][:5]}),
        rf"tensor '{SCALE}' must be F32 of shape \[24\], not F32 of shape \[5\]",
    ),
    (Quantisation.INT8, lambda t: t[SCALE].__setitem__(3, np.inf), f"'{SCALE}' must be finite, but 1 of its 24"),
    (
        Quantisation.MXFP4,
        lambda t: t.update({QUERY: t[QUERY][:, :3]}),
        rf"tensor '{QUERY}' must be U8 of shape \[24, 6\], not U8 of shape \[24, 3\]",
    ),
    (Quantisation.MXFP4, lambda t: t[SCALE].__setitem__((3, 0), 255), f"'{SCALE}' must be finite, but 1 of its 24"),
    (
        Quantisation.MXFP4,
        lambda t: t.update({"model.norm.weight_scale": np.ones(1, np.uint8)}),
        r"tensor 'model\.norm\.weight_scale' must not be there",
    ),
]


@pytest.mark.parametrize(("form", "edit", "sentence"), BROKEN, ids=range(len(BROKEN)))
def test_every_broken_one_is_refused(tmp_path: Path, form: Quantisation, edit: Edit, sentence: str) -> None:
    folder = quantised(tmp_path / "b", original(tmp_path / "a"), form)
    tensors = load_file(folder / WEIGHTS)
    edit(tensors)
    save_file({name: np.ascontiguousarray(values) for name, values in tensors.items()}, folder / WEIGHTS)
    with pytest.raises(WeftError, match=sentence):
        read_checkpoint(folder)


def _laid_out(checkpoint: LlamaCheckpoint) -> dict[str, Any]:
    return layer_tensors(checkpoint, 1) | global_tensors(checkpoint, 16)


@pytest.mark.parametrize("form", FORMS)
def test_quantised_matrices_are_laid_out_like_plain_ones(tmp_path: Path, form: Quantisation) -> None:
    checkpoint = read_checkpoint(quantised(tmp_path / "b", original(tmp_path / "a"), form))
    plain = _laid_out(LlamaCheckpoint(checkpoint.config, checkpoint.tensors))
    for name, values in _laid_out(checkpoint).items():
        if isinstance(values, Quantised):
            np.testing.assert_array_equal(values.values(), plain[name])
        else:
            np.testing.assert_array_equal(values, plain[name])
    assert isinstance(_laid_out(checkpoint)["qkv"], Quantised)
