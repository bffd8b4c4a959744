"""The functional device: an image executed as a network of whole streams, exact in every bit, without a clock."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import networkx as nx
import numpy as np

from weft.compiler.backend.image import DecodedImage, ImageError, read_image
from weft.hw.program import Agcu, Pmu, Trigger
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network, Tile, Topology
from weft.sim.device import GIVEN_UP, Beats, DeviceError, HangError, Launch, channel_memory
from weft.sim.functional.execution import Circuit, Execution
from weft.sim.functional.pmu import PmuState

__all__ = ["FunctionalDevice"]

IMAGES_KEPT = 64
"""Decoded images that are kept, for all devices: an unfused decoder loads 16 in turn for every token."""


class FunctionalDevice:
    """A fabric without a clock behind the interface of :class:`weft.sim.device.Device`.

    A turn of a launch runs each unit once on whole streams, turn after turn, round after round: streams have no
    bounds, so that AGCUs that are turns ahead of others make no difference. A PMU that a token or an address reads
    may do so before its write side has got anything, if the blocks it still holds are enough: so a buffer goes from
    launch to launch, and with a tile that several contexts use, from context to context.

    Parameters
    ----------
    spec
        The fabric.
    memory_bytes
        Off-chip memory of each channel.
    """

    def __init__(self, spec: FabricSpec, *, memory_bytes: int) -> None:
        self.spec = spec
        self.memory = np.zeros(spec.channels * memory_bytes, np.uint8)
        self.cycles = 0
        self.watched: dict[tuple[Tile, Network], Beats] | None = None
        """Where it is not None, it is given what every unit sends in a turn."""
        self._topology = Topology(spec)
        self._contexts: dict[int, Circuit] = {}
        self._states: dict[Tile, PmuState] = {}
        self._given_up = False

    def load(self, image: bytes) -> None:
        """Configure the context that the image names.

        Raises
        ------
        DeviceError
            The image is for another fabric or damaged, or its units wait for each other in a circle without a PMU that
            could begin it. A launch has hung.
        """
        self._check_usable()
        context, circuit = _decoded(self.spec, image)
        self._contexts[context] = circuit

    def close(self) -> None:
        """Nothing to give back."""

    def launch(self, context: int, arguments: dict[int, int]) -> Launch:
        """Run a context once.

        Raises
        ------
        DeviceError
            The context has no image, an argument that the fabric does not have, an access outside its segment, a
            program that breaks a rule of its unit, or a launch has hung before.
        HangError
            The launch would hang: who waits, where, and for whom.
        """
        self._check_usable()
        for index in arguments:
            if not 1 <= index <= self.spec.arguments:
                raise DeviceError(f"arguments must be numbered 1 to {self.spec.arguments}, not {index}")
        if context not in self._contexts:
            raise DeviceError(f"context must hold an image before a launch, but {context} has none")
        circuit = self._contexts[context]
        memory = {tile: channel_memory(self, self._topology.channel(tile)) for tile in circuit.agcu_tiles}
        self._states.update({tile: replace(state, number=0) for tile, state in self._states.items()})
        try:
            turns = [
                Execution(
                    self.spec, circuit, memory, arguments, self._states, turn, turn_round, watched=self.watched
                ).run()
                for turn_round in range(circuit.rounds(arguments))
                for turn in range(circuit.turns)
            ]
        except HangError:
            self._given_up = True
            raise
        return turns[0] if len(turns) == 1 else _joined(turns)

    def _check_usable(self) -> None:
        if self._given_up:
            raise DeviceError(GIVEN_UP)


@lru_cache(IMAGES_KEPT)
def _decoded(spec: FabricSpec, image: bytes) -> tuple[int, Circuit]:
    """The context that an image is for, and what it makes of it."""
    try:
        decoded = read_image(image, spec)
    except ImageError as error:
        raise DeviceError(str(error)) from None
    _refuse_endless_circles(decoded)
    return decoded.context, Circuit.of(decoded)


def _joined(turns: list[Launch]) -> Launch:
    """What all turns did."""
    buffers: dict[Tile, list[Beats]] = {}
    moved: dict[Tile, tuple[int, int]] = {}
    for turn in turns:
        for tile, beats in turn.buffers.items():
            buffers.setdefault(tile, []).append(beats)
        for tile, (read, written) in turn.bytes_by_tile.items():
            before = moved.get(tile, (0, 0))
            moved[tile] = before[0] + read, before[1] + written
    return Launch(buffers={tile: Beats.joined(parts) for tile, parts in buffers.items()}, bytes_by_tile=moved)


def _refuse_endless_circles(decoded: DecodedImage) -> None:
    units = decoded.netlist.units
    graph: nx.DiGraph[str] = nx.DiGraph()
    for net in decoded.netlist.nets:
        source = units[net.source.unit].program
        if net.network is Network.CONTROL and isinstance(source, Agcu) and source.tells_next:
            continue  # it tells of the round before
        for target in net.targets:
            program = units[target.unit].program
            triggers = net.network is Network.CONTROL or (net.network is Network.SCALAR and target.port == 1)
            # What such a PMU writes need not come before what it reads.
            if isinstance(program, Pmu) and program.trigger is not Trigger.BLOCK and not triggers:
                continue
            graph.add_edge(net.source.unit, target.unit)
    if not nx.is_directed_acyclic_graph(graph):
        circle = sorted({unit for edge in nx.find_cycle(graph) for unit in edge[:2]})
        raise DeviceError(f"units {', '.join(circle)} wait for each other in a circle")
