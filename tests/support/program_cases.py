"""Every program that devices are tried on: those of ``tests/data/programs`` and those of ``examples/``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from example_programs import EXAMPLES, EXPECTED, SIZES, expected_of, inputs_of
from numpy.typing import NDArray

__all__ = ["CASES", "ProgramCase"]

PROGRAMS = Path(__file__).parents[1] / "data" / "programs"


@dataclass(frozen=True)
class ProgramCase:
    """A text with inputs, sizes, and the outputs that NumPy gives."""

    name: str
    text: str
    inputs: dict[str, NDArray[np.generic]]
    sizes: dict[str, int]
    want: dict[str, NDArray[np.generic]]


def _programs() -> dict[str, ProgramCase]:
    """Those with an array to compare with; the others are refused."""
    found = {}
    for path in sorted(PROGRAMS.glob("*/want.npz")):
        folder = path.parent
        text = folder / ("one_rate.mlir" if folder.name == "mixed_rate" else "program.mlir")
        sizes = folder / "sizes.json"
        found[folder.name] = ProgramCase(
            folder.name,
            text.read_text(),
            dict(np.load(folder / "in.npz")),
            json.loads(sizes.read_text()) if sizes.exists() else {},
            dict(np.load(path)),
        )
    return found


def _examples() -> dict[str, ProgramCase]:
    found = {}
    for name in sorted(EXPECTED):
        inputs = inputs_of(name)
        text = (EXAMPLES / f"{name}.mlir").read_text()
        found[f"example_{name}"] = ProgramCase(name, text, inputs, SIZES.get(name, {}), expected_of(name, inputs))
    return found


REFUSED = {"dyn_mismatch", "load_of_what_the_launch_stores", "two_stores_into_one_tensor"}
"""Programs that the language refuses; other tests say why."""
CASES = {name: case for name, case in {**_programs(), **_examples()}.items() if name not in REFUSED}
