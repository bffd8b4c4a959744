"""Fixtures of several files of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from weft.compiler.backend import fit
from weft.compiler.netlist.netlist import Netlist
from weft.hw.spec import FabricSpec
from weft.hw.topology import Tile


@pytest.fixture(autouse=True, scope="session")
def placed_once() -> Iterator[None]:
    """What many tests compile is placed for the first; ``tests/compiler`` has placement give the same again."""
    known: dict[str, dict[str, Tile]] = {}

    def place(netlist: Netlist, spec: FabricSpec, *, seed: int = 0) -> dict[str, Tile]:
        key = repr((netlist, spec, seed))
        if key not in known:
            known[key] = original(netlist, spec, seed=seed)
        return dict(known[key])

    original = fit.place
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "place", place)
        yield


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Arrays `a` and `b` for `examples/elementwise.mlir`."""
    random = np.random.default_rng(3)
    path = tmp_path / "in.npz"
    np.savez(path, **{name: random.standard_normal((6, 21)).astype(np.float32) for name in "ab"})  # pyright: ignore
    return path
