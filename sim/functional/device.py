"""The functional device: an image executed as a network of whole streams, exact in every bit, without a clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import networkx as nx
import numpy as np

from compiler.image import DecodedImage, read_image
from compiler.netlist import Net, Pin
from hw.program import Agcu, AgcuKind, Pcu, Pmu, Port, Trigger
from hw.spec import FabricSpec
from hw.topology import Network, Tile
from sim.device import Beats, DeviceError, Launch
from sim.functional.agcu import run_agcu
from sim.functional.pcu import run_pcu
from sim.functional.pmu import PmuState, run_pmu

__all__ = ["FunctionalDevice"]

_Key = tuple[Network, Pin]


@dataclass(frozen=True)
class _Node:
    """A unit, or one side of a PMU whose buffer outlives the launch."""

    unit: str
    reads: bool = True
    writes: bool = True


@dataclass
class _Context:
    """A loaded image, ready to run: its nodes in an order in which every stream is made before it is taken."""

    image: DecodedImage
    tiles: dict[str, Tile]
    order: list[_Node]
    nets: dict[_Key, Net]


@dataclass
class _Run:
    """Streams of a launch: what waits at each input, and what is still to be taken at its end."""

    inputs: dict[_Key, Beats] = field(default_factory=dict)
    sources: dict[_Key, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


class FunctionalDevice:
    """A fabric without a clock behind the interface of :class:`sim.device.Device`.

    A launch runs each unit once on whole streams. A PMU that is read by a token before it is written, in a cycle of
    the program, keeps its contents from launch to launch; its two sides then run apart.

    Parameters
    ----------
    spec
        The fabric.
    memory_bytes
        Off-chip memory.
    """

    def __init__(self, spec: FabricSpec, *, memory_bytes: int) -> None:
        self.spec = spec
        self.memory = np.zeros(memory_bytes, np.uint8)
        self._contexts: dict[int, _Context] = {}
        self._states: dict[Tile, PmuState] = {}

    def load(self, image: bytes) -> None:
        """Decode and order an image; ImageError where the chip would refuse it, DeviceError for an endless cycle."""
        decoded = read_image(image, self.spec)
        tiles = {unit: tile for tile, unit in _unit_names(decoded)}
        nets = {(net.network, net.source): net for net in decoded.netlist.nets}
        self._contexts[decoded.context] = _Context(decoded, tiles, _order(decoded), nets)

    def close(self) -> None:
        """Nothing to give back."""

    def launch(self, context: int, arguments: dict[int, int]) -> Launch:
        """Run a context once.

        Raises
        ------
        DeviceError
            The context has no image, an access outside its segment, or beats that nobody takes (a launch that hangs).
        """
        if context not in self._contexts:
            raise DeviceError(f"context must hold an image before a launch, but {context} has none")
        loaded = self._contexts[context]
        run = _Run()
        buffers: dict[Tile, Beats] = {}
        traffic: dict[Tile, tuple[int, int]] = {}
        for node in loaded.order:
            program = loaded.image.netlist.units[node.unit].program
            tile = loaded.tiles[node.unit]
            if isinstance(program, Pcu):
                self._pcu(loaded, run, node.unit, program)
            elif isinstance(program, Pmu):
                self._pmu(loaded, run, node, program, tile, buffers)
            else:
                traffic[tile] = self._agcu(loaded, run, node.unit, program, arguments, tile, buffers)
        if run.left:
            raise DeviceError("launch hangs: " + "; ".join(run.left))
        return Launch(buffers=buffers, bytes_by_tile=traffic)

    # -- streams ----------------------------------------------------------------------------------------

    def _send(self, loaded: _Context, run: _Run, network: Network, unit: str, beats: Beats | None) -> None:
        net = loaded.nets.get((network, Pin(unit)))
        if beats is None or not len(beats.stop):
            return
        if net is None:
            run.left.append(f"{unit} sends {len(beats.stop)} {network.value} beats to nobody")
            return
        for target in net.targets:
            run.inputs[network, target] = beats
            run.sources[network, target] = unit

    def _took(self, run: _Run, network: Network, unit: str, port: int, taken: int) -> None:
        key = (network, Pin(unit, port))
        beats = run.inputs.get(key)
        if beats is not None and taken < len(beats.stop):
            run.left.append(
                f"{unit} has taken {taken} of {len(beats.stop)} beats at {network.value} input {port}, "
                f"from {run.sources[key]}"
            )

    # -- units ------------------------------------------------------------------------------------------

    def _pcu(self, loaded: _Context, run: _Run, unit: str, program: Pcu) -> None:
        vector = [run.inputs.get((Network.VECTOR, Pin(unit, port))) for port in range(self.spec.vector_inputs)]
        scalar = [run.inputs.get((Network.SCALAR, Pin(unit, port))) for port in range(self.spec.scalar_inputs)]
        result = run_pcu(self.spec, program, vector, scalar)
        for port, taken in enumerate(result.vector_taken):
            self._took(run, Network.VECTOR, unit, port, taken)
        for port, taken in enumerate(result.scalar_taken):
            self._took(run, Network.SCALAR, unit, port, taken)
        self._send(loaded, run, Network.VECTOR, unit, result.vector)
        self._send(loaded, run, Network.SCALAR, unit, result.scalar)

    def _pmu(
        self, loaded: _Context, run: _Run, node: _Node, program: Pmu, tile: Tile, buffers: dict[Tile, Beats]
    ) -> None:
        def given(network: Network, port: int, wanted: bool) -> Beats | None:
            return run.inputs.get((network, Pin(node.unit, port))) if wanted else None

        address = given(Network.SCALAR, 1, node.reads)
        control = given(Network.CONTROL, 0, node.reads)
        result = run_pmu(
            self.spec,
            program,
            vector=given(Network.VECTOR, 0, node.writes),
            scalar=given(Network.SCALAR, 0, node.writes),
            address=address,
            control=control,
            state=self._states.get(tile),
        )
        self._states[tile] = result.state
        if node.reads and program.trigger is Trigger.ADDRESS:
            self._took(run, Network.SCALAR, node.unit, 1, result.taken)
        elif node.reads and program.trigger is Trigger.CONTROL:
            self._took(run, Network.CONTROL, node.unit, 0, result.taken)
        if node.reads:
            self._send(loaded, run, Network.VECTOR, node.unit, result.vector)
            self._send(loaded, run, Network.SCALAR, node.unit, result.scalar)
            self._send(loaded, run, Network.CONTROL, node.unit, result.control)
        if node.writes and program.write is not Port.OFF:
            buffers[tile] = result.written

    def _agcu(
        self,
        loaded: _Context,
        run: _Run,
        unit: str,
        program: Agcu,
        arguments: dict[int, int],
        tile: Tile,
        buffers: dict[Tile, Beats],
    ) -> tuple[int, int]:
        vector = run.inputs.get((Network.VECTOR, Pin(unit)))
        result = run_agcu(
            self.spec,
            program,
            self.memory,
            arguments,
            vector=vector,
            scalar=run.inputs.get((Network.SCALAR, Pin(unit))),
            control=run.inputs.get((Network.CONTROL, Pin(unit))),
        )
        if result.violation:
            raise DeviceError(f"{unit} was refused an access outside its segment")
        if program.kind in (AgcuKind.STORE, AgcuKind.SINK):
            if vector is None or not (vector.stop >= program.end_rank).any():
                run.left.append(f"{unit} waits for the end of its stream at vector input 0")
            else:
                self._took(run, Network.VECTOR, unit, 0, result.taken)
            if vector is not None:
                buffers[tile] = vector
        self._send(loaded, run, Network.VECTOR, unit, result.vector)
        self._send(loaded, run, Network.SCALAR, unit, result.scalar)
        self._send(loaded, run, Network.CONTROL, unit, result.control)
        return result.bytes_read, result.bytes_written


def _unit_names(decoded: DecodedImage) -> Iterable[tuple[Tile, str]]:
    return zip(decoded.programs, decoded.netlist.units, strict=True)


def _order(decoded: DecodedImage) -> list[_Node]:
    """Units in the order of their streams; as few PMUs as can be are split into their read and their write side."""
    units = decoded.netlist.units
    split = {unit for unit in units if _persists(units[unit].program)}
    graph = _graph(decoded, split)
    if not nx.is_directed_acyclic_graph(graph):
        circle = {edge[0].unit for edge in nx.find_cycle(graph)}
        raise DeviceError(f"units {', '.join(sorted(circle))} wait for each other in a circle")
    for unit in sorted(split):
        fewer = _graph(decoded, split - {unit})
        if nx.is_directed_acyclic_graph(fewer):
            split, graph = split - {unit}, fewer
    places = {unit: place for place, unit in enumerate(units)}
    return list(nx.lexicographical_topological_sort(graph, key=lambda node: (places[node.unit], not node.reads)))


def _graph(decoded: DecodedImage, split: set[str]) -> nx.DiGraph[_Node]:
    """Who must run before whom; the sides of a split PMU are nodes of their own, and it is read before it is written."""
    graph: nx.DiGraph[_Node] = nx.DiGraph()
    for unit in decoded.netlist.units:
        if unit in split:
            graph.add_edge(_Node(unit, writes=False), _Node(unit, reads=False))
        else:
            graph.add_node(_Node(unit))
    for net in decoded.netlist.nets:
        source = _Node(net.source.unit, writes=net.source.unit not in split)
        for target in net.targets:
            if target.unit not in split:
                graph.add_edge(source, _Node(target.unit))
                continue
            trigger = net.network is Network.CONTROL or (net.network is Network.SCALAR and target.port == 1)
            graph.add_edge(source, _Node(target.unit, reads=trigger, writes=not trigger))
    return graph


def _persists(program: object) -> bool:
    return isinstance(program, Pmu) and program.trigger in (Trigger.CONTROL, Trigger.ADDRESS)
