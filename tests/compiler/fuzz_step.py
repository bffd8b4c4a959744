"""Many random programs against the oracle, with a report: make fuzz-step N=10000 SEED=1."""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from choices import Choices, Played, Seeded, shrunk
from judged_program import Outcome, judged
from random_fabrics import random_fabric
from random_programs import RandomProgram, random_program

from weft.hw.spec import FabricSpec


def made(choices: Choices) -> tuple[RandomProgram, FabricSpec]:
    """A fabric and a program for it."""
    spec = random_fabric(choices)
    return random_program(choices, spec.lanes), spec


def outcome_of(choices: Choices) -> tuple[RandomProgram | None, FabricSpec | None, Outcome]:
    program = spec = None
    try:
        program, spec = made(choices)
        return program, spec, judged(program, spec)
    except Exception:
        return program, spec, Outcome(failure="generator: " + traceback.format_exc(limit=-2))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shrink", type=int, default=3, help="failures that are made small")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    begin = time.process_time()
    rules: Counter[str] = Counter()
    examples: dict[str, int] = {}
    counts: Counter[str] = Counter()
    failures: list[dict[str, str | int]] = []
    for seed in range(given.seed, given.seed + given.programs):
        choices = Seeded(seed)
        _, spec, outcome = outcome_of(choices)
        counts["programs"] += 1
        if outcome.refusal is not None:
            counts["refused"] += 1
            rules[outcome.rule] += 1
            examples.setdefault(outcome.rule, seed)
        for verdict in outcome.verdicts:
            counts["outputs"] += 1
            counts["exact"] += verdict.exact
            counts["bounded"] += verdict.bounded
            counts["not judged"] += verdict.unjudged
        if outcome.failure is not None:
            kind = outcome.failure[:60]
            failures.append({"seed": seed, "failure": outcome.failure})
            if sum(str(each["failure"])[:60] == kind for each in failures) <= 1 and len(failures) <= given.shrink:
                start = outcome.failure.split(":")[0]

                def fails(noted, start=start):
                    found = outcome_of(Played(noted))[2].failure
                    return found is not None and found.split(":")[0] == start

                small = shrunk(choices.made, fails)
                program, spec, outcome = outcome_of(Played(small))
                print(f"--- seed {seed}\n{program}\n{spec!r}\n{outcome.failure}", flush=True)
            else:
                print(f"--- seed {seed}: {outcome.failure[:200]}", flush=True)
    report = {
        **counts,
        "seconds": round(time.process_time() - begin, 1),
        "refusals": [
            {"rule": rule, "programs": number, "share": round(number / given.programs, 4), "seed": examples[rule]}
            for rule, number in rules.most_common()
        ],
        "failures": failures,
    }
    if given.out is not None:
        given.out.write_text(json.dumps(report, indent=1))
    print(", ".join(f"{name} {number}" for name, number in counts.items()), f"{report['seconds']} s")
    for each in report["refusals"]:
        print(f"{each['share']:7.2%}  {each['rule'][:160]}  (seed {each['seed']})")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
