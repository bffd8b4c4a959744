"""How long the command line takes to start: seconds of wall time for `import weft`, and for help."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from functools import partial

from results import Result, result, run

_figure = partial(result, better="lower", target=0.3, command="python benchmarks/bench_start.py --out FILE")
_STARTS = {
    "import_weft": "import weft",
    "weft_help": "import sys; sys.argv[1:] = ['--help']; from weft.cli import main; main()",
    "weft_generate_help": "import sys; sys.argv[1:] = ['generate', '--help']; from weft.cli import main; main()",
}


def measure(rounds: int) -> list[Result]:
    """Results: the least time of some rounds, the interpreter's own start included; the first fills the file cache."""
    seconds = dict.fromkeys(_STARTS, math.inf)
    for _ in range(rounds):
        for name, code in _STARTS.items():
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
            seconds[name] = min(seconds[name], time.perf_counter() - begun)
    return [_figure(name, value, "s") for name, value in seconds.items()]


if __name__ == "__main__":
    run(measure, __doc__, rounds=5)
