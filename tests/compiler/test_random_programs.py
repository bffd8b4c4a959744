"""Random programs of the `step` language: the device computes what the oracle says, or the compiler refuses."""

from __future__ import annotations

from collections import Counter

import pytest
from choices import Drawn, Seeded
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from judged_program import judged
from random_fabrics import random_fabric
from random_programs import RandomProgram, random_program

from weft.compiler.step import parse_program, print_program
from weft.hw.spec import FabricSpec

SEEDED = 200
DRAWN = 100
MOST_REFUSED = 0.1
"""Share of programs that the compiler may refuse; make fuzz-step says which rules they break."""
INNER_WORDS = ("mapped.", "step.place", "the result of")
"""What a sentence must not speak of: operations that a pass made."""


@st.composite
def programs(draw: st.DrawFn) -> tuple[RandomProgram, FabricSpec]:
    """A fabric and a program for it."""
    choices = Drawn(draw)
    spec = random_fabric(choices)
    return random_program(choices, spec.lanes), spec


@settings(max_examples=DRAWN, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_a_device_computes_what_a_drawn_program_means(drawn: tuple[RandomProgram, FabricSpec]) -> None:
    program, spec = drawn
    outcome = judged(program, spec)
    note(f"{program}\n{spec!r}")
    assert outcome.failure is None


def test_devices_compute_what_programs_of_seeds_mean_and_few_are_refused() -> None:
    failures: list[str] = []
    counts: Counter[str] = Counter()
    for seed in range(SEEDED):
        choices = Seeded(seed)
        spec = random_fabric(choices)
        program = random_program(choices, spec.lanes)
        outcome = judged(program, spec)
        if outcome.failure is not None:
            failures.append(f"seed {seed}: {outcome.failure}\n{program}\n{spec!r}")
        counts["refused"] += outcome.refusal is not None
        counts["sizes alone"] += outcome.fixed is not None
        inner = [word for word in INNER_WORDS if word in (outcome.refusal or outcome.fixed or "")]
        assert not inner, f"seed {seed}: {outcome.refusal or outcome.fixed}"
        counts["outputs"] += len(outcome.verdicts)
        counts["exact"] += sum(verdict.exact for verdict in outcome.verdicts)
        counts["others"] += sum(verdict.bounded + verdict.unjudged for verdict in outcome.verdicts)
    assert not failures, "\n\n".join(failures)
    assert counts["refused"] <= MOST_REFUSED * SEEDED, counts
    assert counts["sizes alone"] <= MOST_REFUSED * SEEDED, counts
    assert counts["outputs"] >= SEEDED, counts
    assert counts["exact"] > 4 * counts["others"], counts


@pytest.mark.parametrize("seed", range(1000, 1020))
def test_a_program_reads_back_as_it_is_printed(seed: int) -> None:
    text = random_program(Seeded(seed), 8).text
    module = parse_program(text)
    assert print_program(parse_program(print_program(module))) == print_program(module)
