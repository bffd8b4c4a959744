"""Lengths in a network of processes, which a launch decides or not."""

from __future__ import annotations

from dataclasses import replace

from weft.compiler.backend.buffering.tracing import network_of, trace
from weft.compiler.netlist.netlist import Net, Netlist, Pin, Unit
from weft.hw.presets import PRESETS
from weft.hw.program import (
    Agcu,
    AgcuKind,
    AgcuLevel,
    Pmu,
    PmuLevel,
    Port,
    Trigger,
)
from weft.hw.topology import Network

SPEC = PRESETS["tiny"].replace(stages=3, acc_depth=256, pmu_lines=1024)


def test_lengths_are_counted_where_a_launch_decides_them() -> None:
    """A length that a launch argument holds has a network; one that is data is told, and addresses always have one."""
    load = Agcu(kind=AgcuKind.LOAD, levels=(AgcuLevel(3, 0, SPEC.beat_bytes, 1),), end_rank=1, emit_arg=1)
    sink = Agcu(kind=AgcuKind.SINK, end_rank=1)
    for trigger in Trigger.LENGTH, Trigger.ADDRESS:
        kept = Pmu(write=Port.VECTOR, write_rank=1, block_lines=3, read=Port.VECTOR, trigger=trigger, read_rank=1)
        units = {"load": Unit("load", load), "kept": Unit("kept", kept), "sink": Unit("sink", sink)}
        nets = (
            Net(Network.VECTOR, Pin("load"), (Pin("kept"),)),
            Net(Network.SCALAR, Pin("load"), (Pin("kept", 1),)),
            Net(Network.VECTOR, Pin("kept"), (Pin("sink"),)),
        )
        network = network_of(Netlist(units, nets), SPEC, {1: 2})
        assert network is not None
        sent = network.processes[[each.name for each in network.units].index("kept") + 1].gives[0].total
        assert sent == (2 if trigger is Trigger.LENGTH else 1)
    numbers = Pmu(write=Port.VECTOR, write_rank=1, block_lines=3, read=Port.SCALAR, levels=(PmuLevel(1),), read_rank=0)
    units = {**units, "kept": Unit("kept", replace(kept, trigger=Trigger.LENGTH)), "numbers": Unit("numbers", numbers)}
    nets = (
        Net(Network.VECTOR, Pin("load"), (Pin("kept"), Pin("numbers"))),
        Net(Network.SCALAR, Pin("numbers"), (Pin("kept", 1),)),
        nets[2],
    )
    traced = trace(Netlist(units, nets), SPEC, {})
    assert (traced.network, traced.endless) == (None, "")
    assert traced.unjudged == "how much 'kept' reads is a number in a stream"
