"""`config.json`: spellings, defaults, and every broken field."""

from pathlib import Path

import numpy as np
import pytest
from small_checkpoint import write_config

from weft.compiler.checkpoints.llama_config import LlamaConfig, read_llama_config
from weft.compiler.checkpoints.rotary import Llama3Scaling, Rotary
from weft.compiler.errors import WeftError

LLAMA3 = {
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}


def read(folder: Path, **changes: object) -> LlamaConfig:
    write_config(folder, **changes)
    return read_llama_config(folder / "config.json")


def test_reads_every_field(tmp_path: Path) -> None:
    assert read(tmp_path, attention_bias=True, mlp_bias=True, tie_word_embeddings=True) == LlamaConfig(
        hidden_size=12,
        intermediate_size=20,
        layers=2,
        heads=4,
        kv_heads=2,
        head_dim=6,
        vocab_size=11,
        rms_norm_eps=1e-5,
        rotary=Rotary(theta=10000.0),
        max_position_embeddings=32,
        attention_bias=True,
        mlp_bias=True,
        tie_word_embeddings=True,
    )


def test_absent_fields_take_the_defaults_of_transformers(tmp_path: Path) -> None:
    absent = ("num_key_value_heads", "head_dim", "rope_parameters", "tie_word_embeddings", "hidden_act")
    config = read(tmp_path, hidden_size=16, **dict.fromkeys(absent, ...))
    assert (config.kv_heads, config.head_dim, config.rope_theta) == (4, 4, 10000.0)
    assert (config.attention_bias, config.mlp_bias, config.tie_word_embeddings) == (False, False, False)


@pytest.mark.parametrize("theta", [100.0, 500000])
def test_both_spellings_of_theta_read_the_same(tmp_path: Path, theta: float) -> None:
    newer = read(tmp_path, rope_parameters={"rope_type": "default", "rope_theta": theta})
    older = read(tmp_path, rope_parameters=..., rope_theta=theta, rope_scaling=None)
    assert newer == older
    assert newer.rope_theta == theta


@pytest.mark.parametrize("kind", ["rope_type", "type"])
def test_both_spellings_of_llama3_read_the_same(tmp_path: Path, kind: str) -> None:
    newer = read(tmp_path, rope_parameters={"rope_type": "llama3", "rope_theta": 50.0, **LLAMA3})
    older = read(tmp_path, rope_parameters=..., rope_theta=50.0, rope_scaling={kind: "llama3", **LLAMA3})
    assert newer == older
    assert newer.rotary.scaling == Llama3Scaling(**LLAMA3)


def test_sizes_that_follow(tmp_path: Path) -> None:
    config = read(tmp_path)
    assert (config.query_size, config.kv_size, config.group) == (24, 12, 2)
    shapes = read(tmp_path, attention_bias=True).layer_shapes(0).keys() - config.layer_shapes(0).keys()
    assert shapes == {f"model.layers.0.self_attn.{name}_proj.bias" for name in "qkvo"}


def test_rotary_table_turns_by_the_formula() -> None:
    cos, sin = Rotary(theta=100.0).table(4, 7)
    angles = np.arange(7)[:, None] * np.array([1.0, 0.1])
    np.testing.assert_allclose(cos, np.cos(angles), rtol=0, atol=1e-7)
    np.testing.assert_allclose(sin, np.sin(angles), rtol=0, atol=1e-7)
    assert cos.dtype == sin.dtype == np.float32
    for position in (0, 3, 6):
        for row, table in zip(Rotary(theta=100.0).at(4, position), (cos, sin), strict=True):
            np.testing.assert_array_equal(row, table[position], strict=True)


def test_llama3_keeps_fast_and_slows_slow_frequencies() -> None:
    rotary = Rotary(theta=1e6, scaling=Llama3Scaling(**LLAMA3))
    plain, scaled = Rotary(theta=1e6).frequencies(32), rotary.frequencies(32)
    assert scaled[0] == plain[0]
    np.testing.assert_allclose(scaled[-1], plain[-1] / 8.0)
    assert np.all(np.diff(scaled) < 0)


BROKEN: list[tuple[dict[str, object], str]] = [
    ({"architectures": ["MistralForCausalLM"]}, r"'architectures' must be \['LlamaForCausalLM'\], not \['Mist"),
    ({"architectures": ...}, "'architectures' is missing"),
    ({"model_type": "mistral"}, "'model_type' must be 'llama', not 'mistral'"),
    ({"model_type": ...}, "'model_type' is missing"),
    ({"hidden_act": "gelu"}, "'hidden_act' must be 'silu', not 'gelu'"),
    ({"quantization_config": {"bits": 4}}, "'quantization_config.quant_method' must be 'weft', not None"),
    ({"quantization_config": 4}, "'quantization_config' must be a JSON object, not 4"),
    (
        {"quantization_config": {"quant_method": "weft", "format": "int4"}},
        "'quantization_config.format' must be 'int8' or 'mxfp4', not 'int4'",
    ),
    (
        {"quantization_config": {"quant_method": "weft", "format": "int8"}, "tie_word_embeddings": True},
        "'tie_word_embeddings' must be false where weights are quantised, not True",
    ),
    ({"hidden_size": ...}, "'hidden_size' is missing"),
    ({"hidden_size": None}, "'hidden_size' is missing"),
    ({"intermediate_size": 0}, "'intermediate_size' must be a whole number of at least 1, not 0"),
    ({"num_hidden_layers": 2.0}, r"'num_hidden_layers' must be a whole number of at least 1, not 2\.0"),
    ({"vocab_size": True}, "'vocab_size' must be a whole number of at least 1, not True"),
    ({"max_position_embeddings": "32"}, "'max_position_embeddings' must be a whole number"),
    ({"num_attention_heads": ...}, "'num_attention_heads' is missing"),
    ({"num_key_value_heads": 3}, "'num_key_value_heads' must be a divisor of 4 heads, not 3"),
    ({"head_dim": 5}, "'head_dim' must be even, not 5"),
    ({"head_dim": ..., "hidden_size": 14}, "'hidden_size' must be a multiple of 4 heads .*, not 14"),
    ({"rms_norm_eps": ...}, "'rms_norm_eps' is missing"),
    ({"rms_norm_eps": 10**400}, r"'rms_norm_eps' must be a finite number above 0, not 1000.*\.\.\..*000$"),
    ({"hidden_size": 10**400}, r"'hidden_size' must be at most 2147483647, not 1000.*\.\.\..*000$"),
    ({"num_hidden_layers": 2**31}, r"'num_hidden_layers' must be at most 2147483647, not 2147483648"),
    ({"hidden_act": "gelu" * 200}, r"'hidden_act' must be 'silu', not 'gelu.*\.\.\..*gelu'$"),
    ({"rms_norm_eps": 0}, "'rms_norm_eps' must be a finite number above 0, not 0"),
    ({"rms_norm_eps": float("inf")}, "'rms_norm_eps' must be a finite number above 0, not inf"),
    ({"attention_bias": 1}, "'attention_bias' must be true or false, not 1"),
    ({"mlp_bias": "no"}, "'mlp_bias' must be true or false, not 'no'"),
    ({"tie_word_embeddings": "yes"}, "'tie_word_embeddings' must be true or false, not 'yes'"),
    ({"rope_parameters": 7}, "'rope_parameters' must be a JSON object, not 7"),
    ({"rope_parameters": {"rope_type": "yarn", "factor": 2}}, "'rope_type' must be 'default' or 'llama3', not 'yarn'"),
    ({"rope_parameters": ..., "rope_scaling": {"type": "linear"}}, "'rope_type' must be .*, not 'linear'"),
    ({"rope_parameters": {"rope_type": "llama3", "factor": 2.0}}, "'low_freq_factor' is missing"),
    ({"rope_parameters": {"rope_theta": -1}}, "'rope_theta' must be a finite number above 0, not -1"),
    ({"rope_parameters": {"partial_rotary_factor": 0.5}}, r"'partial_rotary_factor' must be 1, not 0\.5"),
    ({"rope_theta": 7.0}, r"'rope_theta' must be the same as in rope_parameters, 10000\.0, not 7\.0"),
    (
        {"rope_parameters": {"rope_type": "llama3", **LLAMA3, "high_freq_factor": 1.0}},
        r"'high_freq_factor' must be above low_freq_factor, 1\.0, not 1\.0",
    ),
]


@pytest.mark.parametrize(("changes", "sentence"), BROKEN)
def test_broken_field_is_one_sentence(tmp_path: Path, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(WeftError, match=sentence) as caught:
        read(tmp_path, **changes)
    assert str(tmp_path / "config.json") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_number_that_is_longer_than_python_reads_is_refused_by_its_field(tmp_path: Path, sign: str) -> None:
    write_config(tmp_path)
    file = tmp_path / "config.json"
    file.write_text(file.read_text().replace('"hidden_size": 12', f'"hidden_size": {sign}1{"0" * 5000}'))
    with pytest.raises(WeftError, match=f"'hidden_size' must be a whole number of at least 1, not {sign}inf"):
        read_llama_config(file)


def test_a_field_that_stands_twice_is_refused(tmp_path: Path) -> None:
    write_config(tmp_path)
    file = tmp_path / "config.json"
    file.write_text(file.read_text().replace("{", '{"vocab_size": 7, ', 1))
    with pytest.raises(
        WeftError, match=r"config\.json: must hold valid JSON, but an object has the field 'vocab_size' twice"
    ):
        read_llama_config(file)
