"""Fixtures of several files of tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Arrays `a` and `b` for `examples/elementwise.mlir`."""
    random = np.random.default_rng(3)
    path = tmp_path / "in.npz"
    np.savez(path, **{name: random.standard_normal((6, 21)).astype(np.float32) for name in "ab"})  # pyright: ignore
    return path
