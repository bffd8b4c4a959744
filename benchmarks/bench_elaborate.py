"""How long elaboration takes, and how it grows with the array: seconds, their ratio, and distinct tile modules."""

from __future__ import annotations

import math
import time
from functools import partial

from results import Result, result, run

from weft.hw.elaborate import elaborate
from weft.hw.presets import PRESETS

_figure = partial(result, better="lower", command="python benchmarks/bench_elaborate.py --out FILE")


def measure(sizes: list[int], rounds: int) -> list[Result]:
    """Results for square arrays of the `demo` tile; the ratio is of the last size to the first, in this one run.

    Every size is elaborated once a round, and its least time counts: the first of all also waits for Yosys to load, and
    each for what else the machine does.
    """
    seconds = dict.fromkeys(sizes, math.inf)
    distinct: dict[int, int] = {}
    for size in sizes * rounds:
        begun = time.perf_counter()
        files = elaborate(PRESETS["demo"].replace(rows=size, columns=size), cache=False).files
        seconds[size] = min(seconds[size], time.perf_counter() - begun)
        distinct[size] = sum(name.startswith("weft_tile_") for name in files)
    results: list[Result] = []
    for size in sizes:
        results += [
            _figure(f"elaborate_{size}x{size}", seconds[size], "s"),
            _figure(f"tile_modules_{size}x{size}", distinct[size], "modules", target=3),
        ]
    ratio = seconds[sizes[-1]] / seconds[sizes[0]]
    return [*results, _figure(f"elaborate_ratio_{sizes[-1]}_to_{sizes[0]}", ratio, "", target=1.5)]


if __name__ == "__main__":
    run(measure, __doc__, sizes=[4, 16], rounds=2)
