"""Many random programs against the oracle, with a report: make fuzz-step N=10000 SEED=1 RTL=20."""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from choices import Choices, Played, Seeded, shrunk
from judged_program import Outcome, judged, rule_of
from random_fabrics import random_fabric
from random_programs import RandomProgram, random_program

from weft.compiler.interpreter import compare, interpret
from weft.compiler.step import parse_program
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec
from weft.sim.device import DeviceError, HangError
from weft.sim.rtl.device import RtlDevice
from weft.sim.run import run_program

RTL_FABRIC = PRESETS["demo"]
RTL_MEMORY = 1 << 22


def made(choices: Choices) -> tuple[RandomProgram, FabricSpec]:
    """A fabric and a program for it."""
    spec = random_fabric(choices)
    return random_program(choices, spec.lanes), spec


def outcome_of(choices: Choices) -> tuple[RandomProgram | None, FabricSpec | None, Outcome]:
    """What becomes of the program of some choices; errors of its generator are failures, too."""
    program = spec = None
    try:
        program, spec = made(choices)
        return program, spec, judged(program, spec)
    except Exception:
        return program, spec, Outcome(failure="generator: " + traceback.format_exc(limit=-2))


def kind_of(failure: str) -> str:
    """What stays the same while a failure is made small."""
    words = failure.split(":")
    return words[0] if words[0] == "wrong" else ":".join(words[:2])


def made_small(made: Sequence[int], kind: str) -> str:
    """The smallest program found that fails alike, with its fabric."""

    def fails(noted: Sequence[int]) -> bool:
        found = outcome_of(Played(noted))[2].failure
        return found is not None and kind_of(found) == kind

    program, spec, outcome = outcome_of(Played(shrunk(made, fails)))
    return f"{program}\n{spec!r}\n{outcome.failure}"


def on_rtl(programs: int, seed: int) -> list[str]:
    """Failures of so many programs on simulated RTL with random stalls."""
    failures: list[str] = []
    device: RtlDevice | None = None
    ran = 0
    while ran < programs:
        program = random_program(Seeded(seed), RTL_FABRIC.lanes)
        outcome = judged(program, RTL_FABRIC)
        seed += 1
        if outcome.compiled is None or not outcome.verdicts:
            continue
        ran += 1
        if device is None:
            device = RtlDevice(RTL_FABRIC, memory_bytes=RTL_MEMORY, watchdog=20000, stalls=seed % (1 << 31))
        device.memory[:] = 0
        expected = interpret(parse_program(program.text), program.inputs, program.sizes).outputs
        try:
            arguments = outcome.compiled.arguments(program.sizes)
            found, _ = run_program(outcome.compiled, RTL_FABRIC, device, program.inputs, arguments=arguments)
        except DeviceError as error:
            failures.append(f"RTL seed {seed - 1}: {error}\n{program}")
            if isinstance(error, HangError):
                device.close()
                device = None
            continue
        verdicts = [compare(name, value, np.asarray(found[name])) for name, value in expected.items()]
        failures += [f"RTL seed {seed - 1}: {each.sentence}\n{program}" for each in verdicts if not each.agrees]
    if device is not None:
        device.close()
    return failures


def main() -> int:
    """Run, report, and say by the exit code whether anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shrink", type=int, default=3, help="failures that are made small")
    parser.add_argument("--rtl", type=int, default=0, help="programs that run on simulated RTL with random stalls, too")
    parser.add_argument("--out", type=Path, help="the report as JSON")
    given = parser.parse_args()
    begin = time.process_time()
    rules: Counter[str] = Counter()
    examples: dict[str, int] = {}
    counts: Counter[str] = Counter()
    failures: list[str] = []
    kinds: Counter[str] = Counter()
    for seed in range(given.seed, given.seed + given.programs):
        choices = Seeded(seed)
        _, spec, outcome = outcome_of(choices)
        counts["programs"] += 1
        if spec is not None and spec.replace(lanes=RTL_FABRIC.lanes) == RTL_FABRIC:
            counts["programs on demo"] += 1
            counts["refused on demo"] += outcome.refusal is not None
        if outcome.refusal is not None:
            counts["refused"] += 1
        if outcome.fixed is not None:
            counts["for one size alone"] += 1
        for kind, sentence in (("refused", outcome.refusal), ("one size", outcome.fixed)):
            if sentence is not None:
                rule = f"{kind}: {rule_of(sentence)}"
                rules[rule] += 1
                examples.setdefault(rule, seed)
        counts["without a check of room"] += outcome.compiled is not None and bool(outcome.compiled.unjudged)
        for verdict in outcome.verdicts:
            counts["outputs"] += 1
            counts["exact"] += verdict.exact
            counts["bounded"] += verdict.bounded
            counts["not judged"] += verdict.unjudged
        if outcome.failure is not None:
            kind = kind_of(outcome.failure)
            seen = kind in kinds
            kinds[kind] += 1
            failures.append(f"seed {seed}: {outcome.failure}")
            print(f"--- {failures[-1][:200]}", flush=True)
            if not seen and len(kinds) <= given.shrink:
                print(made_small(choices.made, kind), flush=True)
        if counts["programs"] % 1000 == 0:
            print(f"{counts['programs']} of {given.programs}, {len(failures)} failures", flush=True)
    wrong_on_rtl = on_rtl(given.rtl, given.seed)
    for each in wrong_on_rtl:
        print(f"--- {each}")
    failures += wrong_on_rtl
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
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(report, indent=1))
    print(", ".join(f"{name} {number}" for name, number in counts.items()), f"{report['seconds']} s")
    for each in report["refusals"]:
        print(f"{each['share']:7.2%}  {each['rule'][:160]}  (seed {each['seed']})")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
