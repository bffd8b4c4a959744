"""A decoder layer of hidden size 512 on `plasticine` in simulated RTL: cycles a token, and values that are wrong.

Each beat into a buffer and each logit is compared with the functional device.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from random_checkpoint import write_random_checkpoint
from results import Result, result, run

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.models.llama.decoder_program import compile_decoder
from weft.hw.presets import PRESETS
from weft.sim.generate import ComparedDecoder, Generation
from weft.sim.rtl.device import RtlDevice

_figure = partial(result, command="python benchmarks/bench_plasticine.py --out FILE")
PLASTICINE = PRESETS["plasticine"]


def measure(tokens: int) -> list[Result]:
    """Results for a layer with random weights and a small output head."""
    generation = Generation()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "hidden-512"
        write_random_checkpoint(
            folder, hidden=512, layers=1, heads=8, kv_heads=4, intermediate=1408, vocabulary=256, context=64
        )
        checkpoint = read_checkpoint(folder)
        compiled = compile_decoder(checkpoint.config, PLASTICINE)
        options = {"memory_bytes": compiled.memory_bytes, "count": False, "checks": False, "arith": "native"}
        with RtlDevice(PLASTICINE, **options) as chip:
            decoder = ComparedDecoder(compiled, checkpoint, PLASTICINE, generation, chip)
            token = 1
            for _ in range(tokens):
                token = int(decoder.step(token).argmax())
    compared = generation.comparison
    return [
        _figure(
            "plasticine_layer_cycles_per_token", sum(generation.cycles_by_token) / tokens, "cycles", better="lower"
        ),
        _figure("plasticine_layer_values_compared", compared.compared, "values", better="higher"),
        _figure("plasticine_layer_mismatches", compared.mismatches, "values", better="lower", target=0),
    ]


if __name__ == "__main__":
    run(measure, __doc__, tokens=2)
