"""Every route of every network, multicast, stalls on all sides, and what must not happen."""

from __future__ import annotations

import os
import random
from functools import cache
from typing import Any

import pytest
from amaranth.hdl import Value
from amaranth.sim import Simulator
from stream_bench import StreamBench, combinational_paths, values_of

from weft.hw.fields import Layout
from weft.hw.presets import PRESETS
from weft.hw.program import Switch as SwitchProgram
from weft.hw.program import switch_program
from weft.hw.switch import Switch, may_send
from weft.hw.topology import NETWORKS, Network, TileKind, switch_ports, tracks

SPEC = PRESETS["tiny"]
BEATS = 12 if os.environ.get("WEFT_LONG") else 7


@cache
def bench(kind: TileKind) -> StreamBench:
    """The bench of a kind's switch; elaboration is what takes the time."""
    return StreamBench(Switch(spec=SPEC, kind=kind))


def packed(kind: TileKind, routes: dict[tuple[Network, int], int]) -> int:
    """Program bits from the input of each (network, output)."""
    program = switch_program(SPEC, kind)
    layout = Layout(program, SPEC)
    fields = {SwitchProgram.field(network, output): source + 1 for (network, output), source in routes.items()}
    return sum(word << 32 * index for index, word in enumerate(layout.pack(program(**fields))))


def all_routes(kind: TileKind) -> list[tuple[Network, int, int]]:
    """Every network, input and output with a path between them, by the rule: no link leads back."""
    found = []
    for network in NETWORKS:
        inputs, outputs = switch_ports(SPEC, kind, network)
        each = tracks(SPEC, network)
        for source in range(inputs):
            for output in range(outputs):
                both_links = source < 4 * each and output < 4 * each
                if not (both_links and source // each == output // each):
                    found.append((network, source, output))
    return found


def run_routes(
    kind: TileKind, routes: dict[tuple[Network, int], int], *, stall: float, seed: int
) -> list[tuple[list[int], list[int], list[int]]]:
    """Send beats down the routes; for each, what was sent, what arrived, and when."""
    dut = bench(kind).dut
    rng = random.Random(seed)
    bits = {network: len(Value.cast(getattr(dut, f"{network.value}_in")[0].payload)) for network in NETWORKS}
    used = sorted({(network.value, source) for (network, _), source in routes.items()})
    sent = {(name, source): [rng.getrandbits(bits[Network(name)]) for _ in range(BEATS)] for name, source in used}
    got = bench(kind).run(
        sources=[(getattr(dut, f"{name}_in")[source], sent[name, source]) for name, source in used],
        sinks=[(getattr(dut, f"{network.value}_out")[output], BEATS) for network, output in routes],
        stall=stall,
        seed=seed,
        setup=[(dut.program, packed(kind, routes))],
    )
    return [
        (sent[network.value, source], values_of(each), [arrival.cycle for arrival in each])
        for ((network, _), source), each in zip(routes.items(), got, strict=True)
    ]


def route_sets(kind: TileKind) -> list[dict[tuple[Network, int], int]]:
    """Programs that together use every route; in one of them, all outputs have different inputs where possible."""
    left = set(all_routes(kind))
    sets = []
    shift = 0
    while left:
        routes: dict[tuple[Network, int], int] = {}
        for network in NETWORKS:
            inputs, outputs = switch_ports(SPEC, kind, network)
            for output in range(outputs):
                source = (output + shift) % inputs
                if (network, source, output) in left:
                    left.remove((network, source, output))
                    routes[network, output] = source
        sets.append(routes)
        shift += 1
    return sets


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize("kind", TileKind)
def test_every_route(kind: TileKind, stall: float):
    sets = [routes for routes in route_sets(kind) if routes]
    assert sum(map(len, sets)) == len(all_routes(kind)) > 100
    for seed, routes in enumerate(sets):
        for sent, got, cycles in run_routes(kind, routes, stall=stall, seed=seed):
            assert got == sent
            if not stall:
                assert cycles == list(range(1, BEATS + 1))


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", TileKind)
def test_random_multicast(kind: TileKind, seed: int, stall: float):
    rng = random.Random(seed)
    sources = {network: rng.sample(range(switch_ports(SPEC, kind, network)[0]), 3) for network in NETWORKS}
    routes: dict[tuple[Network, int], int] = {}
    for network, source, output in all_routes(kind):
        if source in sources[network] and rng.random() < 0.6:
            routes[network, output] = source
    assert len(set(routes.values())) < len(routes)
    for sent, got, cycles in run_routes(kind, routes, stall=stall, seed=seed):
        assert got == sent
        if not stall:
            assert cycles == list(range(1, BEATS + 1))


def link(network: Network, direction: int, track: int = 0) -> int:
    return direction * tracks(SPEC, network) + track


def test_an_output_that_does_not_take_holds_up_its_own_input_only():
    dut = bench(TileKind.PCU).dut
    v = Network.VECTOR
    north, east, south, west = (link(v, direction) for direction in range(4))
    routes = {(v, east): north, (v, south): north, (v, west): east}
    got = bench(TileKind.PCU).run(
        sources=[(dut.vector_in[north], range(10)), (dut.vector_in[east], range(20, 30))],
        sinks=[(dut.vector_out[south], 1), (dut.vector_out[west], 10)],
        setup=[(dut.program, packed(TileKind.PCU, routes))],
        unsent=[8, 0],
    )
    assert [values_of(each) for each in got] == [[0], list(range(20, 30))]


def test_an_input_that_no_output_names_is_never_popped():
    dut = bench(TileKind.PMU).dut
    outputs = list(dut.vector_out)
    bench(TileKind.PMU).run(
        sources=[(dut.vector_in[3], range(10))],
        sinks=[(each, 0) for each in outputs],
        setup=[(dut.program, packed(TileKind.PMU, {(Network.VECTOR, 0): 4, (Network.SCALAR, 1): 3}))],
        unsent=[8],
    )


@pytest.mark.parametrize("direction", range(4))
@pytest.mark.parametrize("network", NETWORKS)
def test_a_link_never_turns_back(network: Network, direction: int):
    dut = bench(TileKind.PCU).dut
    port = link(network, direction)
    bench(TileKind.PCU).run(
        sources=[(getattr(dut, f"{network.value}_in")[port], range(6))],
        sinks=[(getattr(dut, f"{network.value}_out")[port], 0)],
        setup=[(dut.program, packed(TileKind.PCU, {(network, port): port}))],
        unsent=[4],
    )


@pytest.mark.parametrize("kind", TileKind)
def test_the_rule_and_the_hardware_agree_on_paths(kind: TileKind):
    rule = all_routes(kind)
    for network in NETWORKS:
        inputs, outputs = switch_ports(SPEC, kind, network)
        for source in range(inputs):
            for output in range(outputs):
                allowed = may_send(SPEC, network, port_in=source, port_out=output)
                assert allowed == ((network, source, output) in rule)


@pytest.mark.parametrize("kind", TileKind)
def test_no_output_depends_on_an_input_but_the_program(kind: TileKind):
    found: set[Any] = combinational_paths(Switch(spec=SPEC, kind=kind))
    assert {source for source, _ in found} == {"program"}


def test_checks_see_a_source_that_breaks_the_protocol():
    dut = Switch(spec=SPEC, kind=TileKind.PCU, checks=True)

    async def bench(ctx: Any) -> None:
        for value in range(5):
            ctx.set(dut.vector_in[0].valid, 1)
            ctx.set(Value.cast(dut.vector_in[0].payload), value)
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    with pytest.raises(AssertionError, match="vector input 0 of the switch of a pcu tile: payload changed"):
        simulator.run()
