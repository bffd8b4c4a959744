"""Fixtures of several files of tests."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import decoders
import numpy as np
import pytest

from weft.compiler.backend import fit
from weft.compiler.models.llama import decoder_program
from weft.compiler.netlist.netlist import Netlist
from weft.hw.spec import FabricSpec
from weft.hw.topology import Tile


@pytest.fixture(autouse=True, scope="session")
def placed_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What many tests compile is placed for the first; ``tests/compiler`` has placement give the same again."""
    base = tmp_path_factory.getbasetemp()
    # pytest-xdist's workers have a folder of this run above their own.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "placed"
    folder.mkdir(exist_ok=True)

    def place(netlist: Netlist, spec: FabricSpec, *, seed: int = 0) -> dict[str, Tile]:
        known = folder / hashlib.sha256(repr((netlist, spec, seed)).encode()).hexdigest()
        if not known.exists():
            placed = original(netlist, spec, seed=seed)
            own = folder / f"{os.getpid()}.new"
            own.write_text(json.dumps({name: (tile.row, tile.column) for name, tile in placed.items()}))
            own.rename(known)
        return {name: Tile(*place) for name, place in json.loads(known.read_text()).items()}

    original = fit.place
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "place", place)
        yield


@pytest.fixture(autouse=True)
def compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What commands compile is that of other tests, where these are for the same model and fabric."""
    monkeypatch.setattr(decoder_program, "compile_decoder", decoders.compile_decoder)


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Arrays `a` and `b` for `examples/elementwise.mlir`."""
    random = np.random.default_rng(3)
    path = tmp_path / "in.npz"
    np.savez(path, **{name: random.standard_normal((6, 21)).astype(np.float32) for name in "ab"})  # pyright: ignore
    return path
