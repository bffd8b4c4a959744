"""The switch of a tile: three networks, each a crossbar whose paths the program sets."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.program import Switch as SwitchProgram
from weft.hw.program import switch_program
from weft.hw.spec import FabricSpec
from weft.hw.stream.beat import beat_layout, beat_stream
from weft.hw.stream.connect import connect_streams
from weft.hw.stream.monitor import watch_stream
from weft.hw.stream.skid import SkidBuffer
from weft.hw.tile.unit import program_layout
from weft.hw.topology import NETWORKS, Network, TileKind, switch_ports, tracks

__all__ = ["Switch", "may_send"]


def may_send(spec: FabricSpec, network: Network, *, port_in: int, port_out: int) -> bool:
    """Whether a switch has a path from an input to an output: all but from a link back to where it comes from."""
    each = tracks(spec, network)
    links = 4 * each
    return port_in >= links or port_out >= links or port_in // each != port_out // each


class Switch(wiring.Component):
    """Sends beats from inputs to outputs as :mod:`weft.hw.program.switch` says.

    An output has one input, an input any number of outputs. A hop takes one cycle, at a beat a cycle. Every input has
    a two-entry skid buffer; an output looks at the heads of the buffers. An output that has taken a head is marked
    ``sent`` until all outputs of this input have taken it and the head leaves (eager fork). An input that no output
    names is never popped. No output depends on an input within a cycle: valid and payload come from registers and the
    program, ready from registers.

    The program must change only while no beat is in the switch.

    Parameters
    ----------
    spec
        Of the fabric.
    kind
        Of the tile, which decides the number of ports.
    checks
        Assert the stream protocol at every input.

    Members
    -------
    program : In(program_layout(switch_program(spec, kind), spec))
        What each output sends.
    {network}_in, {network}_out : arrays of beat streams
        As many as :func:`weft.hw.topology.switch_ports` says, links first.
    """

    def __init__(self, *, spec: FabricSpec, kind: TileKind, checks: bool = False) -> None:
        self._spec = spec
        self._kind = kind
        self._checks = checks
        members: dict[str, Any] = {"program": In(program_layout(switch_program(spec, kind), spec))}
        for network in NETWORKS:
            inputs, outputs = switch_ports(spec, kind, network)
            members[f"{network.value}_in"] = In(beat_stream(spec, network)).array(inputs)
            members[f"{network.value}_out"] = Out(beat_stream(spec, network)).array(outputs)
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for network in NETWORKS:
            self._crossbar(m, network)
        return m

    def _crossbar(self, m: Module, network: Network) -> None:
        spec, name = self._spec, network.value
        outputs = list(getattr(self, f"{name}_out"))
        heads: list[Any] = []
        for index, each in enumerate(getattr(self, f"{name}_in")):
            buffer = SkidBuffer(layout=beat_layout(spec, network))
            m.submodules[f"{name}_buffer_{index}"] = buffer
            connect_streams(m, producer=each, consumer=buffer.i)
            heads.append(buffer.o)
            if self._checks:
                watch_stream(m, each, label=f"{name} input {index} of the switch of a {self._kind.value} tile")

        # Sets of inputs are numbered like the values of the program: bit 0 is none, bit 1 + i is input i.
        inputs = len(heads)
        valid = Signal(inputs + 1, name=f"{name}_valid")
        popped = Signal(inputs + 1, name=f"{name}_popped")
        m.d.comb += valid.eq(Cat(Const(0, 1), (head.valid for head in heads)))

        named_sets = []
        waiting_sets = []
        for index, output in enumerate(outputs):
            allowed = [i for i in range(inputs) if may_send(spec, network, port_in=i, port_out=index)]
            mask = sum(2 << i for i in allowed)
            chosen = self.program[SwitchProgram.field(network, index)]
            head_valid = Signal(name=f"{name}_head_valid_{index}")
            sent = Signal(name=f"{name}_sent_{index}")
            accepted = Signal(name=f"{name}_accepted_{index}")
            named = Signal(inputs + 1, name=f"{name}_named_{index}")
            m.d.comb += [
                head_valid.eq((valid & mask).bit_select(chosen, 1)),
                named.eq((Const(1, 1) << chosen) & mask),
                accepted.eq(sent | output.ready),
                output.valid.eq(head_valid & ~sent),
            ]
            m.d.sync += sent.eq(head_valid & accepted & ~popped.bit_select(chosen, 1))
            named_sets.append(named)
            waiting_sets.append(Mux(accepted, 0, named))
            # A case, because a simulator then copies one head and does not combine all.
            with m.Switch(chosen):
                for i in allowed:
                    with m.Case(1 + i):
                        m.d.comb += output.payload.eq(heads[i].payload)

        m.d.comb += popped.eq(reduce(or_, named_sets) & ~reduce(or_, waiting_sets))
        for i, head in enumerate(heads):
            m.d.comb += head.ready.eq(popped[1 + i])
