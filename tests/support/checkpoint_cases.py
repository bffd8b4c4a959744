"""Which checkpoints tests of decoders take, on which fabrics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from weft.compiler.checkpoints.llama_config import LlamaConfig
from weft.hw.spec import FabricSpec

__all__ = ["RECORDED", "SHIPPED", "enough_accumulators", "on_fabrics", "telling"]

_ROOT = Path(__file__).parents[2]
SHIPPED = _ROOT / "models" / "weft-tiny"
RECORDED = sorted(path for path in (_ROOT / "tests" / "data" / "checkpoints").iterdir() if path.is_dir())
_OFTEN = ("weft-tiny", "three-heads")
"""The shipped one, and one with an odd number of heads that are no whole vectors."""
_SPELLED = ("llama3-rotary", "older-spelling", "sharded")
"""Those that a checkpoint's reader sees and no program: their tables, names or files are others."""
_TELLING = (*_OFTEN, "all-biases", "one-kv-head", "narrow-heads")
"""Those, and one with a bias everywhere, one with a head of keys for all, one with heads shorter than a vector."""


def telling(folders: Sequence[Path]) -> list[Any]:
    """Parameters (folder): those whose programs differ most, the others in the long run."""
    return [
        pytest.param(each, id=each.name, marks=() if each.name in _TELLING else (pytest.mark.long,)) for each in folders
    ]


def on_fabrics(folders: Sequence[Path], first: str, *others: str) -> list[Any]:
    """Parameters (folder, name of a fabric): every program on the first fabric, a few on the others.

    A decoder's program is the same for all fabrics, so what is left for the long run finds little more.
    """
    params: list[Any] = []
    for fabric in (first, *others):
        for folder in folders:
            often = folder.name not in _SPELLED if fabric == first else folder.name in _OFTEN
            marks = () if often else (pytest.mark.long,)
            params.append(pytest.param(folder, fabric, id=f"{folder.name}-{fabric}", marks=marks))
    return params


def enough_accumulators(spec: FabricSpec, config: LlamaConfig, *, rows: int = 1) -> FabricSpec:
    """The fabric, with as many accumulators as the sums of values of a key head take, which are not cut into tiles."""
    needed = config.group * rows * -(-config.head_dim // spec.lanes)
    return spec.replace(acc_depth=max(spec.acc_depth, 1 << (needed - 1).bit_length()))
