"""Every broken checkpoint is refused with one sentence that names the place."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from small_checkpoint import (
    INDEX,
    QUERY,
    WEIGHTS,
    Tensors,
    small_tensors,
    write_config,
    write_index,
    write_shards,
    write_whole,
)

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.errors import WeftError


def refused(folder: Path, sentence: str) -> None:
    with pytest.raises(WeftError, match=sentence) as caught:
        read_checkpoint(folder)
    assert "\n" not in str(caught.value)


def tensors_with(change: Callable[[Tensors], object]) -> Tensors:
    tensors = small_tensors()
    change(tensors)
    return tensors


def put(name: str, value: object, at: tuple[int, ...]) -> Callable[[Tensors], object]:
    return lambda tensors: tensors[name].__setitem__(at, value)


def cast_to(dtype: type) -> Callable[[Tensors], object]:
    return lambda tensors: tensors.update({QUERY: tensors[QUERY].astype(dtype)})


BROKEN_TENSORS: list[tuple[Callable[[Tensors], object], str]] = [
    (lambda tensors: tensors.pop(QUERY), f"tensor '{QUERY}' is missing"),
    (lambda tensors: tensors.pop("lm_head.weight"), "tensor 'lm_head.weight' is missing"),
    (
        lambda tensors: tensors.update({QUERY: tensors[QUERY].T.copy()}),
        rf"{WEIGHTS}: tensor '{QUERY}' must have shape \[24, 12\], not \[12, 24\]",
    ),
    (cast_to(np.int8), f"tensor '{QUERY}' must be BF16, F16 or F32, not I8"),
    (cast_to(np.float64), f"tensor '{QUERY}' must be BF16, F16 or F32, not F64"),
    (put(QUERY, np.nan, (3, 4)), f"tensor '{QUERY}' must be finite, but 1 of its 288 values are not"),
    (put("model.norm.weight", -np.inf, (2,)), "tensor 'model.norm.weight' must be finite"),
    (
        lambda tensors: tensors.update({"model.layers.0.self_attn.q_proj.bias": np.ones(24, np.float32)}),
        r"tensor 'model\.layers\.0\.self_attn\.q_proj\.bias' must not be there",
    ),
]


@pytest.mark.parametrize(("change", "sentence"), BROKEN_TENSORS)
@pytest.mark.parametrize("write", [write_whole, write_shards])
def test_broken_tensor(
    tmp_path: Path,
    write: Callable[[Path, Tensors], object],
    change: Callable[[Tensors], object],
    sentence: str,
) -> None:
    write_config(tmp_path)
    write(tmp_path, tensors_with(change))
    refused(tmp_path, sentence.replace(f"{WEIGHTS}: ", "" if write is write_shards else f"{WEIGHTS}: "))


def test_head_that_is_tied_but_differs(tmp_path: Path) -> None:
    write_config(tmp_path, tie_word_embeddings=True)
    write_whole(tmp_path, small_tensors())
    refused(tmp_path, "'lm_head.weight' must equal 'model.embed_tokens.weight' where tie_word_embeddings is true")


def test_missing_files(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "nowhere: the checkpoint must be a folder")
    refused(tmp_path, r"config\.json: the file is missing")
    write_config(tmp_path)
    refused(tmp_path, rf"must hold {WEIGHTS} or {INDEX}, and has neither")


@pytest.mark.parametrize("text", [b"", b"{", b'{"a": }', b"\xff\xfe", b"[" * 100_000])
def test_config_that_is_no_json(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "config.json").write_bytes(text)
    refused(tmp_path, r"config\.json: must hold valid JSON, but")


def test_config_that_is_no_object(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[1]")
    refused(tmp_path, r"config\.json: must hold a JSON object, not list")


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A folder that reads, until a test breaks it."""
    write_config(tmp_path)
    write_whole(tmp_path, small_tensors())
    read_checkpoint(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 100])
def test_truncated_in_the_header(good: Path, kept: int) -> None:
    file = good / WEIGHTS
    file.write_bytes(file.read_bytes()[:kept])
    refused(good, rf"{WEIGHTS}: must be at least \d+ bytes long to hold its header, not {kept}: truncated\?")


@pytest.mark.parametrize("lost", [1, 100, 2000])
def test_truncated_in_the_data(good: Path, lost: int) -> None:
    file = good / WEIGHTS
    file.write_bytes(file.read_bytes()[:-lost])
    refused(good, rf"{WEIGHTS}: must hold \d+ bytes of tensors, not \d+: truncated\?")


def test_bytes_after_the_end(good: Path) -> None:
    file = good / WEIGHTS
    file.write_bytes(file.read_bytes() + b"\0")
    refused(good, rf"{WEIGHTS}: must hold \d+ bytes of tensors, not \d+: bytes follow the last tensor")


def test_corrupt_length(good: Path) -> None:
    file = good / WEIGHTS
    file.write_bytes(b"\xff" * 8 + file.read_bytes()[8:])
    refused(good, rf"{WEIGHTS}: must be at least \d+ bytes")


def test_header_that_is_no_json(good: Path) -> None:
    file = good / WEIGHTS
    content = file.read_bytes()
    file.write_bytes(content[:8] + b"#" + content[9:])
    refused(good, f"{WEIGHTS}: must hold valid JSON, but")


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (7, "must have dtype, shape and two data_offsets, not 7"),
        ({"dtype": "F32", "shape": [2, "x"], "data_offsets": [0, 8]}, "must have dtype, shape and two"),
        ({"dtype": "F32", "shape": [2], "data_offsets": [0, 8, 9]}, "must have dtype, shape and two"),
        ({"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}, "must have dtype, shape and two"),
        ({"dtype": "F32", "shape": [2], "data_offsets": [4, 8]}, "must begin at byte 0, not span 4:8"),
        ({"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}, "must hold 4 bytes of tensors, not 8"),
    ],
)
def test_corrupt_entry(good: Path, entry: object, sentence: str) -> None:
    name = "model.embed_tokens.weight"
    header = json.dumps({name: entry}).encode()
    (good / WEIGHTS).write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    refused(good, sentence)


def test_tensors_that_overlap(good: Path) -> None:
    first = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    header = json.dumps({"a": first, "b": first | {"data_offsets": [4, 12]}}).encode()
    (good / WEIGHTS).write_bytes(len(header).to_bytes(8, "little") + header + bytes(12))
    refused(good, "tensor 'b' must begin at byte 8, not span 4:12")


@pytest.mark.parametrize(
    ("stored", "claimed", "sentence"),
    [
        (b'"BF16","shape":[24,12]', b'"F32" ,"shape":[24,12]', "must take 1152 bytes, not 576"),
        (b'"F32","shape":[24,12]', b'"F16","shape":[24,12]', "must take 576 bytes, not 1152"),
    ],
)
def test_tensor_whose_bytes_do_not_fit_its_shape(good: Path, stored: bytes, claimed: bytes, sentence: str) -> None:
    file = good / WEIGHTS
    if b"F32" in stored:
        write_whole(good, {name: values.astype(np.float32) for name, values in small_tensors().items()})
    content = file.read_bytes()
    assert stored in content
    file.write_bytes(content.replace(stored, claimed))
    refused(good, rf"of shape \[24, 12\] {sentence}")


def test_missing_shard(tmp_path: Path) -> None:
    write_config(tmp_path)
    write_shards(tmp_path, small_tensors())
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    refused(tmp_path, r"model-00002-of-00002\.safetensors: the file is missing")


def test_index_that_lies(tmp_path: Path) -> None:
    write_config(tmp_path)
    weight_map = write_shards(tmp_path, small_tensors())
    other = {"model-00001-of-00002.safetensors": "model-00002-of-00002.safetensors"}
    lie = other.get(weight_map[QUERY], "model-00001-of-00002.safetensors")
    write_index(tmp_path, weight_map | {QUERY: lie})
    refused(tmp_path, f"{lie}: tensor '{QUERY}' is missing, though {INDEX} places it there")


@pytest.mark.parametrize(
    "file", ["../model.safetensors", "/etc/passwd", 3, "", "..", "a\0.safetensors", "\ud800", "a\nb"]
)
def test_index_that_points_outside_the_folder(tmp_path: Path, file: object) -> None:
    write_config(tmp_path)
    write_index(tmp_path, write_shards(tmp_path, small_tensors()) | {QUERY: file})
    refused(tmp_path, f"{INDEX}: the file of tensor '{QUERY}' must be a plain file name")


def test_index_that_is_no_json(tmp_path: Path) -> None:
    write_config(tmp_path)
    (tmp_path / INDEX).write_text("nothing")
    refused(tmp_path, f"{INDEX}: must hold valid JSON")


@pytest.mark.parametrize("shards", [False, True])
def test_a_tensor_without_a_place_is_refused_wherever_it_lies(tmp_path: Path, shards: bool) -> None:
    bias = {QUERY.replace("weight", "bias"): np.zeros(24, np.float32)}
    write_config(tmp_path)
    if shards:
        weight_map = write_shards(tmp_path, small_tensors() | bias)
        write_index(tmp_path, {name: file for name, file in weight_map.items() if name not in bias})
    else:
        write_whole(tmp_path, small_tensors() | bias)
    refused(tmp_path, rf"tensor '{next(iter(bias))}' must not be there, for config\.json gives it no place")


def test_old_buffers_that_the_index_leaves_out_change_nothing(tmp_path: Path) -> None:
    buffer = {"model.layers.0.self_attn.rotary_emb.inv_freq": np.ones(3, np.float32)}
    write_config(tmp_path)
    weight_map = write_shards(tmp_path, small_tensors() | buffer)
    write_index(tmp_path, {name: file for name, file in weight_map.items() if name not in buffer})
    assert read_checkpoint(tmp_path).tensors.keys() == small_tensors().keys()


def test_a_tensor_in_two_shards_is_refused(tmp_path: Path) -> None:
    write_config(tmp_path)
    weight_map = write_shards(tmp_path, small_tensors())
    (other,) = {*weight_map.values()} - {weight_map[QUERY]}
    tensors = {name: values for name, values in small_tensors().items() if weight_map[name] == other or name == QUERY}
    save_file(tensors, tmp_path / other)
    refused(tmp_path, f"{other}: tensor '{QUERY}' must not be there, for {INDEX} places it in {weight_map[QUERY]}")


def test_layers_that_are_only_claimed_are_not_looked_for(tmp_path: Path) -> None:
    """Said at once, by the first that is missing: to list the tensors of so many layers takes hours."""
    write_config(tmp_path, num_hidden_layers=1_000_000_000)
    write_whole(tmp_path, small_tensors())
    refused(tmp_path, r"tensor 'model\.layers\.2\.input_layernorm\.weight' is missing")


@pytest.mark.parametrize("length", [100_000_001, 2**33])
def test_a_header_that_is_longer_than_any_is_not_read(good: Path, length: int) -> None:
    with (good / WEIGHTS).open("wb") as file:
        file.write(length.to_bytes(8, "little"))
        file.truncate(8 + length)
    refused(good, f"{WEIGHTS}: must have a header of at most 100000000 bytes, not {length}")


@pytest.mark.parametrize("name", [WEIGHTS, INDEX, "config.json"])
def test_a_pointer_of_git_lfs_is_called_what_it_is(tmp_path: Path, name: str) -> None:
    write_config(tmp_path)
    (tmp_path / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 14584\n")
    refused(tmp_path, f"{name}: must be the file itself, not a pointer of git-lfs to it: fetch it by `git lfs pull`")
