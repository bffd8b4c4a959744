"""Native arithmetic against real logic, in numbers that a test suite has no time for: ``make verify-arith``.

Every task is a run of a bench of :mod:`weft.sim.arith.models`; the runs share the cores. A table says what was
compared.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from weft.hw.numerics.ops import Conversion, Op, Reduction, Special
from weft.sim.arith.models import MODELS, build_model

__all__ = ["Outcome", "Task", "main", "run_task", "tasks"]

_WORDS = 1 << 32
_PARTS = 16
"""Runs that an exhaustive comparison is cut into."""
_PAIRS = 1_000_000_000
_SHARE = 50
"""A quick run has one in so many of the operands of a full one."""


@dataclass(frozen=True)
class Task:
    """A run of a bench: its arguments, and the row of the table that it counts for."""

    model: str
    what: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """Sets of operands compared, how many results differ, the first difference, and processor seconds."""

    compared: int
    wrong: int
    first: str
    seconds: float


def tasks(*, full: bool, seed: int) -> Iterator[Task]:
    """All there is to do."""
    count = _PAIRS if full else _PAIRS // _SHARE
    yield from _every_word("products", "bf16 * bf16", Op.MUL.value, full=full, seed=seed)
    for model, ops in (
        ("functions", [op for op in Op if op != Op.PASS]),
        ("reduction", [op for op in Reduction if op != Reduction.NONE]),
        ("specials", [op for op in Special if op != Special.NONE]),
        ("conversions", [op for op in Conversion if op != Conversion.NONE]),
    ):
        for op in ops:
            yield Task(model, f"{op.name}, corners", ("corners", str(op.value)))
            if model in ("specials", "conversions"):
                yield from _every_word(model, f"{op.name}, words", op.value, full=full, seed=seed)
            else:
                for part in range(4):
                    yield Task(
                        model, f"{op.name}, random", ("random", str(op.value), str(count // 4), str(seed + part))
                    )


def _every_word(model: str, what: str, op: int, *, full: bool, seed: int) -> Iterator[Task]:
    """All words; in a quick run a stretch of each part, another one with another seed."""
    size = _WORDS // _PARTS
    length = size if full else size // _SHARE // 8 * 8
    for part in range(_PARTS):
        first = part * size + (0 if full else seed * 8 % (size - length))
        yield Task(model, what, ("range", str(op), str(first), str(first + length - 1)))


def run_task(program: Path, task: Task) -> Outcome:
    """Run a bench.

    Raises
    ------
    RuntimeError
        It ended without a result.
    """
    run = subprocess.run([program, *task.arguments], capture_output=True, text=True, check=False)
    words = run.stdout.split(maxsplit=3)
    if len(words) < 3:
        raise RuntimeError(f"{task.model} {' '.join(task.arguments)} ended with {run.returncode}: {run.stderr[-500:]}")
    first = words[3].strip() if len(words) > 3 else ""
    return Outcome(int(words[0]), int(words[1]), first, float(words[2]))


def main(arguments: list[str] | None = None) -> int:
    """Compare, print the table; 1 if a result differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="every word, every product, 1e9 pairs an operation")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 24), help="of the random operands")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="runs at once")
    parser.add_argument("--model", choices=sorted(MODELS), action="append", help="only this unit; repeatable")
    options = parser.parse_args(arguments)
    models = options.model or list(MODELS)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="weft-arith-") as folder, ThreadPoolExecutor(options.jobs) as pool:
        built = dict(zip(models, pool.map(lambda name: build_model(name, Path(folder) / name), models), strict=True))
        todo = [task for task in tasks(full=options.full, seed=options.seed) if task.model in built]
        every: list[Outcome] = []
        outcomes = pool.map(lambda task: run_task(built[task.model], task), todo)
        # In the order of the tasks, so that a row is said as soon as its last run has ended.
        for (model, what), row in groupby(zip(todo, outcomes, strict=True), lambda pair: (pair[0].model, pair[0].what)):
            ended = [outcome for _, outcome in row]
            _say(f"{model:<12} {what:<22} {_total(ended)}")
            every += ended
    minutes = (time.perf_counter() - begun) / 60
    _say(f"{'all':<35} {_total(every)}; seed {options.seed}, {minutes:.1f} min")
    return 1 if any(each.wrong or not each.compared for each in every) else 0


def _total(outcomes: list[Outcome]) -> str:
    """The sums of some runs, and their first difference."""
    compared, wrong = sum(each.compared for each in outcomes), sum(each.wrong for each in outcomes)
    first = next((f"  {each.first}" for each in outcomes if each.wrong), "")
    seconds = sum(each.seconds for each in outcomes)
    return f"{compared:>14,} compared {wrong:>6} differ {seconds:>8.1f} CPU s{first}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
