"""Programs and examples in the logical language: what their oracle says is what plain NumPy says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from example_programs import EXAMPLES, EXPECTED, SIZES, expected_of, inputs_of

from weft.compiler.errors import WeftError
from weft.compiler.interpreter import compare, interpret
from weft.compiler.step import parse_program

PROGRAMS = Path(__file__).parents[1] / "data" / "programs"
REFUSED = {
    "dyn_mismatch": r"line 9: step.map \(%y\): operands of add must have the same sizes, not \[n, 13\] and \[m, 13\]",
    "load_of_what_the_launch_stores": r"line 8: .* a store and a load of @t \(lines 7 and 8\) .* have no order",
    "mixed_rate": r"line 6: step.map \(%y\): operands of add must have the same sizes, not \[4, 22\] and \[88\]",
    "two_stores_into_one_tensor": r"line 8: step.store: two stores of @y \(lines 7 and 8\) .* have no order",
    "words_of_the_user_in_base_args": r"line 4: .* size 'first' must be declared: step.dimension @first",
    "words_of_the_user_in_step_errors": r"line 4: .* size 'n' must be declared: step.dimension @n",
}
"""Programs that the language refuses, and why."""
STOPPED = {
    "gather_index_negative": r"line 6: .*: %index\[1\] is -1, but @table has rows 0 to 2",
    "gather_index_out_of_range": r"line 6: .*: %index\[2\] is 5, but @table has rows 0 to 2",
}
"""Programs that are refused for what they are given."""
WITHIN = {"divide", "exp_sum_pad0", "softmax_long"}
"""Programs of real numbers; all others compute with whole ones, so every number is exact."""


def program_names() -> list[str]:
    return sorted(path.parent.name for path in PROGRAMS.glob("*/program.mlir"))


def sizes_of(name: str) -> dict[str, int]:
    path = PROGRAMS / name / "sizes.json"
    return json.loads(path.read_text()) if path.exists() else {}


def test_there_are_all_programs() -> None:
    assert len(program_names()) == 29
    assert (set(REFUSED) | set(STOPPED) | WITHIN) <= set(program_names())


@pytest.mark.parametrize("name", sorted(set(program_names()) - set(REFUSED) - set(STOPPED)))
def test_program_means_what_numpy_computed(name: str) -> None:
    module = parse_program((PROGRAMS / name / "program.mlir").read_text())
    found = interpret(module, dict(np.load(PROGRAMS / name / "in.npz")), sizes_of(name)).outputs
    want = np.load(PROGRAMS / name / "want.npz")
    assert set(want) == set(found)
    for output in want:
        verdict = compare(output, found[output], want[output])
        assert verdict.agrees, verdict.sentence
        assert (verdict.unjudged, verdict.says_little) == (0, 0), verdict.sentence
        assert (verdict.bounded == 0) == (name not in WITHIN), verdict.sentence


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_program_is_refused(name: str) -> None:
    with pytest.raises(WeftError, match=REFUSED[name]):
        parse_program((PROGRAMS / name / "program.mlir").read_text())


@pytest.mark.parametrize("name", sorted(STOPPED))
def test_program_is_refused_for_its_arrays(name: str) -> None:
    module = parse_program((PROGRAMS / name / "program.mlir").read_text())
    with pytest.raises(WeftError, match=STOPPED[name]):
        interpret(module, dict(np.load(PROGRAMS / name / "in.npz")))


def test_elements_of_a_row_are_of_its_type() -> None:
    module = parse_program((PROGRAMS / "mixed_rate" / "one_rate.mlir").read_text())
    found = interpret(module, dict(np.load(PROGRAMS / "mixed_rate" / "in.npz"))).outputs["y"]
    assert compare("y", found, np.load(PROGRAMS / "mixed_rate" / "want.npz")["y"]).exact == 88


def test_there_is_an_expectation_for_every_example() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.mlir")} == set(EXPECTED)
    assert len(EXPECTED) >= 26


@pytest.mark.parametrize("name", sorted(EXPECTED))
@pytest.mark.parametrize("seed", [1, 2])
def test_example_means_what_numpy_computes(name: str, seed: int) -> None:
    text = (EXAMPLES / f"{name}.mlir").read_text()
    assert text.startswith("// ")
    inputs = inputs_of(name, seed)
    found = interpret(parse_program(text), inputs, SIZES.get(name)).outputs
    expected = expected_of(name, inputs)
    assert set(found) == set(expected)
    for output, values in expected.items():
        near = 2e-6 * max(1, np.abs(values).max())
        np.testing.assert_allclose(found[output].value, values, rtol=2e-6, atol=near, err_msg=output)
        own = compare(output, found[output], found[output].value)
        assert (own.wrong, own.unjudged, own.says_little) == (0, 0, 0), own.sentence
