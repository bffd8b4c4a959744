"""From a model to an image: seconds to compile the shipped model; and how placement and routing grow with the fabric.

Seconds are of wall time for targets, of processor time where sizes are compared. The programs that grow with the fabric
fill three quarters of its tiles with a random graph, in which most streams end near where they begin.
"""

from __future__ import annotations

import math
import random
import time
from functools import partial
from pathlib import Path

import numpy as np
from results import Result, result, run

from weft.compiler.backend.place import place
from weft.compiler.backend.route import route
from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.models.llama.decoder_program import compile_decoder
from weft.compiler.netlist.netlist import Net, Netlist, Pin, Unit
from weft.hw.presets import PRESETS
from weft.hw.program import Agcu, AgcuKind, Pcu, Pmu, Port
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network, TileKind, Topology

_figure = partial(result, better="lower", command="python benchmarks/bench_compile.py --out FILE")
_MODEL = Path(__file__).parents[1] / "models" / "weft-tiny"
_PROGRAMS = {TileKind.PCU: Pcu(vector_out=True), TileKind.PMU: Pmu(write=Port.VECTOR, read=Port.VECTOR)}
_FILL = 0.75
_SIZES = [(10, 7), (16, 16), (24, 24), (32, 32)]
DEMO = PRESETS["demo"]


def pipelines(spec: FabricSpec) -> Netlist:
    """Units that give vectors to the next one or two, every third also a scalar to one further on; and loads."""
    rng = random.Random(1)
    topology = Topology(spec)
    count = {kind: int(_FILL * len(topology.of_kind(kind))) for kind in TileKind}
    kinds = [kind for kind in _PROGRAMS for _ in range(count[kind])]
    rng.shuffle(kinds)
    units = [Unit(f"{kind.value}{number}", _PROGRAMS[kind]) for number, kind in enumerate(kinds)]
    nets: list[Net] = []
    for number, unit in enumerate(units[:-4]):
        # Vector input 0 is for the unit before, 1 for the one before that.
        ends = [Pin(units[number + 1].name, 0)]
        if units[number + 2].kind is TileKind.PCU and rng.random() < 0.3:
            ends.append(Pin(units[number + 2].name, 1))
        nets.append(Net(Network.VECTOR, Pin(unit.name, 0), tuple(ends)))
        if number % 3 == 0 and unit.kind is TileKind.PCU:
            nets.append(Net(Network.SCALAR, Pin(unit.name, 0), (Pin(units[number + rng.randint(3, 4)].name, 0),)))
    fed = [unit.name for unit in units if unit.kind is TileKind.PCU]
    for number, name in enumerate(rng.sample(fed, count[TileKind.AGCU])):
        units.append(Unit(f"load{number}", Agcu(kind=AgcuKind.LOAD)))
        nets.append(Net(Network.VECTOR, Pin(f"load{number}", 0), (Pin(name, 2),)))
    netlist = Netlist({unit.name: unit for unit in units}, tuple(nets))
    netlist.check(spec)
    return netlist


def place_and_route(spec: FabricSpec, rounds: int) -> float:
    """Processor seconds, the least of some rounds."""
    netlist, least = pipelines(spec), math.inf
    for _ in range(rounds):
        begun = time.process_time()
        route(netlist, place(netlist, spec), spec)
        least = min(least, time.process_time() - begun)
    return least


def measure(rounds: int) -> list[Result]:
    """Results; time goes with ``(n log n) ** exponent`` for n tiles, fitted to the sizes."""
    results: list[Result] = []
    config = read_checkpoint(_MODEL).config
    for name, spec, target in (("demo", DEMO, 3), ("16x16", DEMO.replace(rows=16, columns=16), 20)):
        begun, processor = time.perf_counter(), time.process_time()
        compile_decoder(config, spec)
        results.append(_figure(f"compile_shipped_{name}", time.perf_counter() - begun, "s", target=target))
        results.append(_figure(f"compile_shipped_{name}_processor", time.process_time() - processor, "s"))
    tiles, seconds = [], []
    for rows, columns in _SIZES:
        spec = DEMO.replace(rows=rows, columns=columns)
        tiles.append(len(Topology(spec).tiles))
        seconds.append(place_and_route(spec, rounds))
        results.append(_figure(f"place_and_route_{rows}x{columns}", seconds[-1], "s"))
    grown = np.log([n * math.log(n) for n in tiles])
    exponent = float(np.polyfit(grown, np.log(seconds), 1)[0])
    return [*results, _figure("place_and_route_exponent_of_n_log_n", exponent, "", target=1.0)]


if __name__ == "__main__":
    run(measure, __doc__, rounds=2)
