"""Decode in simulated RTL against the state before any work on its speed, in tokens a second of processor time.

That state, `BEFORE`, comes from the repository's history; both simulators decode the same tokens in this one run.
A copy without that history gets no figure.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from results import Result, result, run

_figure = partial(result, command="python benchmarks/bench_before.py --out FILE")
ROOT = Path(__file__).parents[1]
BEFORE = "3056d69ddcaf"
"""The commit before tiles slept: a decoder in RTL, a call a tile and edge, several launches a token."""
_TARGET = 10.0

_THEN = """
from compiler.checkpoint import read_checkpoint
from compiler.decoder_program import compile_decoder
from hw.presets import PRESETS
from sim.decoder import DecoderSession
from sim.rtl.device import RtlDevice
"""
_NOW = """
from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.models.llama.decoder_program import compile_decoder
from weft.hw.presets import PRESETS
from weft.sim.decoder import DecoderSession
from weft.sim.rtl.device import RtlDevice
"""
# Understood by both states. The simulator is a child: once it has ended, what it took is known.
_RUN = """
import json, resource, sys
from pathlib import Path

used = Path(sys.modules[RtlDevice.__module__].__file__).resolve()
assert used.is_relative_to(Path.cwd().resolve()), f"the state in {Path.cwd()} must be measured, not {used}"

def child_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime

options, tokens = json.loads(sys.argv[1]), int(sys.argv[2])
spec, checkpoint = PRESETS["demo"], read_checkpoint(Path("models/weft-tiny"))
compiled = compile_decoder(checkpoint.config, spec)
options |= dict(memory_bytes=compiled.memory_bytes, record=False, count=False, checks=False)
RtlDevice(spec, **options).close()  # built, if it was not
seconds, ids = [], [[], []]
for count, token_ids in zip((0, tokens), ids):
    begun, token = child_seconds(), 65
    with RtlDevice(spec, **options) as chip:
        session = DecoderSession(compiled, checkpoint, spec, chip)
        for _ in range(count):
            token = int(session.step(token).argmax())
            token_ids.append(token)
    seconds.append(child_seconds() - begun)
print(json.dumps({"seconds": (seconds[1] - seconds[0]) / tokens, "ids": ids[1]}))
"""


def decode(source: Path, imports: str, cache: Path, tokens: int, **options: Any) -> dict[str, Any]:
    """``seconds`` a token and the ``ids`` decoded, by the state in a folder, whose names ``imports`` knows."""
    command = [sys.executable, "-c", imports + _RUN, json.dumps(options), str(tokens)]
    environment = {**os.environ, "PYTHONPATH": str(source), "WEFT_CACHE": str(cache)}
    run = subprocess.run(command, cwd=source, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def measure(tokens: int) -> list[Result]:
    """Results, or none if there is no history.

    Raises
    ------
    ValueError
        The two states decoded different tokens.
    """
    archive = subprocess.run(["git", "archive", BEFORE], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        print(f"no figure: commit {BEFORE} must be in the repository's history to be compared with")
        return []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(source, filter="data")
        before = decode(source, _THEN, Path(folder) / "cache", tokens)
    # More tokens, so that they weigh more than what differs between two starts of a simulator.
    now = decode(ROOT, _NOW, Path(os.environ.get("WEFT_CACHE", ROOT / "build")), 10 * tokens, arith="native")
    if before["ids"] != now["ids"][:tokens]:
        raise ValueError(f"both states must decode the same tokens, not {before['ids']} and {now['ids']}")
    return [
        _figure("decode_before", 1 / before["seconds"], "tokens/s", better="higher"),
        _figure("decode_now", 1 / now["seconds"], "tokens/s", better="higher"),
        _figure("decode_ratio_to_before", before["seconds"] / now["seconds"], "", better="higher", target=_TARGET),
    ]


if __name__ == "__main__":
    run(measure, __doc__, tokens=2)
