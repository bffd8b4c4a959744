"""Random netlists of realistic shape, for the tests of placement, routing and images."""

from random import Random

from weft.compiler.netlist.netlist import Net, Netlist, Pin, Unit
from weft.hw.program import Agcu, AgcuKind, Pcu, Pmu, Port
from weft.hw.spec import FabricSpec
from weft.hw.topology import NETWORKS, TileKind, Topology, unit_ports

PROGRAMS = {
    TileKind.PCU: Pcu(vector_out=True),
    TileKind.PMU: Pmu(write=Port.VECTOR, read=Port.VECTOR, block_lines=3),
    TileKind.AGCU: Agcu(kind=AgcuKind.LOAD),
}


def random_netlist(
    seed: int, spec: FabricSpec, *, fill: float = 0.9, nets: float = 1.5, fan_out: int = 3, near: int = 12
) -> Netlist:
    """`fill` of the fabric's tiles used, about `nets` nets a unit, each to 1 to `fan_out` units.

    A net ends at units at most `near` numbers away, so that, as in real programs, most wires can be short.
    """
    random = Random(seed)
    kinds = [kind for kind in TileKind for tile in Topology(spec).of_kind(kind)[: -1 if fill < 1 else None]]
    random.shuffle(kinds)
    kinds = kinds[: max(2, round(fill * len(kinds)))]
    units = [Unit(f"{kind.value}{index}", PROGRAMS[kind]) for index, kind in enumerate(kinds)]
    free_inputs = {
        (network, index, port)
        for network in NETWORKS
        for index, unit in enumerate(units)
        for port in range(unit_ports(spec, unit.kind, network)[0])
    }
    outputs = [
        (network, index, port)
        for network in NETWORKS
        for index, unit in enumerate(units)
        for port in range(unit_ports(spec, unit.kind, network)[1])
    ]
    random.shuffle(outputs)
    made: list[Net] = []
    for network, index, port in outputs:
        if len(made) >= nets * len(units):
            break
        choice = sorted(pin for pin in free_inputs if pin[0] is network and 0 < abs(pin[1] - index) <= near)
        if not choice:
            continue
        wanted = min(len(choice), random.choices(range(1, fan_out + 1), [1 / n**2 for n in range(1, fan_out + 1)])[0])
        ends = random.sample(choice, wanted)
        free_inputs.difference_update(ends)
        targets = tuple(Pin(units[end].name, end_port) for _, end, end_port in ends)
        made.append(Net(network, Pin(units[index].name, port), targets))
    return Netlist({unit.name: unit for unit in units}, tuple(made))
