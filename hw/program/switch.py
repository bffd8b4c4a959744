"""The program of a switch: for each network and each output, which input it sends.

Inputs and outputs of a network are numbered alike in hardware, router and image: first the links, direction by
direction (north, east, south, west), ``tracks`` of each; then the ports of the tile's own unit (its outputs are inputs
of the switch, its inputs are outputs of the switch). An output's value is 0 for none, else 1 + the input's number.
Several outputs may name one input: the beat goes to all of them (eager fork). A link never turns back: hardware has
no path from an input link to the output link of the same direction.
"""

from __future__ import annotations

import dataclasses
from functools import cache

from weft.hw.fields import bits
from weft.hw.spec import FabricSpec
from weft.hw.topology import NETWORKS, Network, TileKind, switch_ports

__all__ = ["Switch", "switch_program"]


class Switch:
    """Base of the switch programs that :func:`switch_program` makes; fields are ``{network}_{output}``."""

    @staticmethod
    def field(network: Network, output: int) -> str:
        """Name of the field for an output of a network."""
        return f"{network.value}_{output}"


@cache
def switch_program(spec: FabricSpec, kind: TileKind) -> type[Switch]:
    """The program class of the switch in a tile of that kind: one field an output."""
    fields = []
    for network in NETWORKS:
        inputs, outputs = switch_ports(spec, kind, network)
        for output in range(outputs):
            text = f"input that {network.value} output {output} sends, plus 1; 0: none"
            fields.append((Switch.field(network, output), int, bits(inputs.bit_length(), text)))
    return dataclasses.make_dataclass("SwitchProgram", fields, bases=(Switch,), frozen=True)
