"""Rotary settings in every spelling of transformers 4 and 5: read as they are read there, or refused by their names."""

from pathlib import Path
from typing import Any

import pytest
from small_checkpoint import write_config

from weft.compiler.checkpoints.llama_config import read_llama_config
from weft.compiler.checkpoints.rotary import Llama3Scaling, Rotary
from weft.compiler.errors import WeftError

FACTORS = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
LLAMA3 = {"rope_type": "llama3", **FACTORS, "original_max_position_embeddings": 16}
DEFAULT = {"rope_type": "default", "rope_theta": 10000.0}
SETTINGS = ("rope_theta", "rope_scaling", "rope_parameters")


def read(folder: Path, fields: dict[str, Any]) -> Rotary:
    """Those of a configuration with a context of 32 that has no other rotary settings."""
    write_config(folder, **{**dict.fromkeys(SETTINGS, ...), **fields})
    return read_llama_config(folder / "config.json").rotary


def scaled(theta: float = 10000.0, original: float = 16) -> Rotary:
    return Rotary(theta=theta, scaling=Llama3Scaling(**FACTORS, original_max_position_embeddings=original))


READ: list[tuple[dict[str, Any], Rotary]] = [
    ({}, Rotary(theta=10000.0)),
    ({"rope_theta": None, "rope_scaling": None, "rope_parameters": None}, Rotary(theta=10000.0)),
    ({"rope_theta": 50, "rope_scaling": {}}, Rotary(theta=50.0)),
    # transformers takes rope_scaling where both stand, whatever the other says of the kind.
    ({"rope_scaling": LLAMA3, "rope_parameters": DEFAULT}, scaled()),
    ({"rope_scaling": LLAMA3, "rope_parameters": {**LLAMA3, "factor": 2.0}}, scaled()),
    ({"rope_scaling": {"type": "default"}, "rope_parameters": LLAMA3}, Rotary(theta=10000.0)),
    ({"rope_scaling": {}, "rope_parameters": LLAMA3}, scaled()),
    ({"rope_scaling": {"rope_type": None}, "rope_parameters": LLAMA3}, scaled()),
    # theta in each of the three places, and in several with one value.
    ({"rope_scaling": {"rope_type": "default", "rope_theta": 5e5}}, Rotary(theta=5e5)),
    ({"rope_scaling": {"rope_theta": 5e5}}, Rotary(theta=5e5)),
    ({"rope_scaling": {**LLAMA3, "rope_theta": 5e5}}, scaled(5e5)),
    ({"rope_parameters": {**LLAMA3, "rope_theta": 5e5}, "rope_theta": 500000}, scaled(5e5)),
    ({"rope_parameters": {"rope_type": "default"}, "rope_theta": 70.0}, Rotary(theta=70.0)),
    ({"rope_scaling": LLAMA3, "rope_parameters": {"rope_theta": 5e5}, "rope_theta": 5e5}, scaled(5e5)),
    # The context of the first training: among the settings, at the top, or the context itself.
    ({"rope_scaling": {"rope_type": "llama3", **FACTORS}, "original_max_position_embeddings": 8}, scaled(original=8)),
    ({"rope_scaling": {"rope_type": "llama3", **FACTORS}}, scaled(original=32)),
    ({"rope_parameters": LLAMA3, "original_max_position_embeddings": 16}, scaled()),
    ({"rope_scaling": None, "original_max_position_embeddings": 8}, Rotary(theta=10000.0)),
    # The kind in both spellings.
    ({"rope_scaling": {**LLAMA3, "type": "llama3"}}, scaled()),
    ({"rope_parameters": {**DEFAULT, "partial_rotary_factor": 1.0}, "partial_rotary_factor": 1}, Rotary(theta=10000.0)),
]


@pytest.mark.parametrize(("fields", "rotary"), READ)
def test_settings_are_read_as_transformers_reads_them(tmp_path: Path, fields: dict[str, Any], rotary: Rotary) -> None:
    assert read(tmp_path, fields) == rotary


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"rope_theta": 7.0, "rope_scaling": {"rope_theta": 8.0}},
        r"'rope_theta' must be the same as in rope_scaling, 8\.0",
    ),
    (
        {"rope_theta": 7.0, "rope_parameters": {"rope_theta": 8.0}},
        "'rope_theta' must be the same as in rope_parameters",
    ),
    (
        {"rope_scaling": {"rope_theta": 7.0}, "rope_parameters": {"rope_theta": 8.0}},
        r"'rope_scaling\.rope_theta' must be the same as in rope_parameters, 8\.0, not 7\.0",
    ),
    (
        {"rope_scaling": LLAMA3, "rope_parameters": {"rope_theta": 8.0}},
        r"'rope_parameters\.rope_theta' must be 10000\.0, or stand in rope_scaling, which decides here, not 8\.0",
    ),
    (
        {"rope_scaling": LLAMA3, "original_max_position_embeddings": 64},
        r"'original_max_position_embeddings' must be the same as in rope_scaling, 16\.0, not 64\.0",
    ),
    (
        {"rope_parameters": LLAMA3, "original_max_position_embeddings": 64},
        r"'original_max_position_embeddings' must be the same as in rope_parameters, 16\.0, not 64\.0",
    ),
    ({"rope_scaling": {**LLAMA3, "type": "default"}}, r"'rope_scaling\.type' must be the same as rope_type, 'llama3'"),
    ({"rope_scaling": {"type": "yarn", "factor": 2.0}, "rope_parameters": DEFAULT}, "'rope_type' must be 'default' or"),
    ({"rope_scaling": {"factor": 2.0}}, r"'rope_scaling\.factor' must not be there, for rope_type 'default' has no"),
    ({"rope_parameters": {**LLAMA3, "beta_fast": 32}}, r"'rope_parameters\.beta_fast' must not be there"),
    ({"rope_parameters": {"full_attention": DEFAULT}}, r"'rope_parameters\.full_attention' must not be there"),
    ({"rope_scaling": {"rope_type": ""}}, "'rope_type' must be 'default' or 'llama3', not ''"),
    ({"partial_rotary_factor": 0.5}, r"'partial_rotary_factor' must be 1, not 0\.5"),
]


@pytest.mark.parametrize(("fields", "sentence"), REFUSED)
def test_settings_that_contradict_or_are_not_known_are_refused(
    tmp_path: Path, fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(WeftError, match=sentence):
        read(tmp_path, fields)
