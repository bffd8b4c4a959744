"""One decoder, fused and operator by operator, on the same RTL: cycles, off-chip bytes and launches side by side.

The prompt passes the functional device; then some positions are measured. Cycles are those of the launches. What is
around them is counted apart: loading images, which two contexts make necessary before every launch of an operator, and
the host's accesses over AXI4-Lite. What a launch costs by itself is measured with an image that does nothing, and with
one that copies a single beat.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from results import Result, result, run

from weft.compiler.backend.image import write_image
from weft.compiler.backend.mapping import Mapping
from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint, read_checkpoint
from weft.compiler.compile import compile_module
from weft.compiler.mapped import parse_module
from weft.compiler.models.llama.decoder_program import compile_decoder
from weft.compiler.models.llama.unfused_program import compile_unfused
from weft.compiler.netlist.netlist import Netlist
from weft.hw.presets import PRESETS
from weft.sim.decoder import CompiledModel
from weft.sim.generate import ComparedDecoder, Generation
from weft.sim.rtl.device import RtlDevice

_figure = partial(result, command="python benchmarks/bench_unfused.py --out FILE")
MODEL = Path(__file__).parents[1] / "models" / "weft-tiny"
DEMO = PRESETS["demo"]
COPY = """builtin.module {
  mapped.tensor @x {shape = array<i64: 8>, format = "f32", role = "input"}
  mapped.tensor @y {shape = array<i64: 8>, format = "f32", role = "output"}
  %x = mapped.linear_load @x : () -> !mapped.stream<vector, [8]>
  mapped.linear_store %x in @y : (!mapped.stream<vector, [8]>) -> ()
}"""


@dataclass(frozen=True)
class Figures:
    """Of a token: cycles in launches, of loading images and of the host; bytes; launches.

    ``hidden`` are the cycles if each image were loaded while the launch before it runs, which two contexts allow.
    """

    cycles: float
    load_cycles: float
    host_cycles: float
    hidden: float
    offchip: dict[str, float]
    launches: float


def measure_decoder(compiled: CompiledModel, checkpoint: LlamaCheckpoint, ids: list[int], tokens: int) -> Figures:
    """Figures of the last ``tokens`` of some, all of which are compared bit for bit.

    Raises
    ------
    ValueError
        The RTL computed something else than the functional device.
    """
    before = ComparedDecoder(compiled, checkpoint, DEMO, Generation())
    for token in ids[:-tokens]:
        before.step(token)
    found, hidden = Generation(), 0
    with RtlDevice(
        DEMO, memory_bytes=compiled.memory_bytes, count=False, checks=False, activity=1024, arith="native"
    ) as chip:
        decoder = ComparedDecoder(compiled, checkpoint, DEMO, found, chip)
        decoder.restore(before.caches())
        for token in ids[-tokens:]:
            decoder.step(token)
            launches = decoder.launches
            following = [*launches[1:], launches[0]]
            hidden += sum(
                max(a.launch.cycles + a.host_cycles, b.load_cycles) for a, b in zip(launches, following, strict=True)
            )
    if found.comparison.mismatches:
        raise ValueError(f"the RTL must compute what the functional device does, not {found.comparison}")
    return Figures(
        cycles=sum(found.cycles_by_token) / tokens,
        load_cycles=found.load_cycles / tokens,
        host_cycles=found.host_cycles / tokens,
        hidden=hidden / tokens,
        offchip={kind: count / tokens for kind, count in found.offchip.items()},
        launches=found.launches / tokens,
    )


def launch_costs() -> dict[str, tuple[int, int]]:
    """Cycles of a launch and of the host around it: where no unit does anything, and where a beat is copied."""
    nothing = Mapping(DEMO, Netlist({}, ()), {}, ())
    images = {"empty": write_image(nothing, 0, spec=DEMO), "copy": compile_module(parse_module(COPY), DEMO).image}
    costs = {}
    with RtlDevice(DEMO, memory_bytes=1 << 16, count=False, checks=False, activity=1024, arith="native") as chip:
        for name, image in images.items():
            chip.load(image)
            before = chip.cycles
            cycles = chip.launch(0, {1: 0, 2: 0, 3: 0, 4: 0}).cycles
            costs[name] = cycles, chip.cycles - before - cycles
    return costs


def measure(prompt: int, tokens: int) -> list[Result]:
    """Results for the shipped model."""
    checkpoint = read_checkpoint(MODEL)
    ids = np.random.default_rng(1).integers(0, checkpoint.config.vocab_size, prompt + tokens).tolist()
    both = {
        "fused": measure_decoder(compile_decoder(checkpoint.config, DEMO), checkpoint, ids, tokens),
        "unfused": measure_decoder(compile_unfused(checkpoint.config, DEMO), checkpoint, ids, tokens),
    }
    results: list[Result] = []
    for name, each in both.items():
        figures = {
            "cycles": (each.cycles, "cycles"),
            "load_cycles": (each.load_cycles, "cycles"),
            "host_cycles": (each.host_cycles, "cycles"),
            "launches": (each.launches, ""),
            **{f"{kind}_bytes": (count, "bytes") for kind, count in each.offchip.items()},
        }
        results += [_figure(f"{name}_{what}_per_token", *value, better="lower") for what, value in figures.items()]
    for name, (cycles, host) in launch_costs().items():
        results += [
            _figure(f"launch_{name}_cycles", cycles, "cycles", better="lower"),
            _figure(f"launch_{name}_host_cycles", host, "cycles", better="lower"),
        ]
    fused, unfused = both["fused"], both["unfused"]
    ratios = {
        "launches_alone": unfused.cycles / fused.cycles,
        "images_loaded_in_the_background": unfused.hidden / (fused.cycles + fused.host_cycles),
        "images_loaded_between": sum((unfused.cycles, unfused.host_cycles, unfused.load_cycles))
        / (fused.cycles + fused.host_cycles),
        "offchip_bytes": sum(unfused.offchip.values()) / sum(fused.offchip.values()),
    }
    return results + [
        _figure(f"unfused_over_fused_{name}", ratio, "", better="higher") for name, ratio in ratios.items()
    ]


if __name__ == "__main__":
    run(measure, __doc__, prompt=64, tokens=2)
