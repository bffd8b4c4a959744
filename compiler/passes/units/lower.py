"""Lowering: every operation of a mapped program becomes part of a unit, every value a net."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import accumulate

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from weft.compiler.backend.bundles import bundles_of
from weft.compiler.backend.memory import Region, tensor_beats
from weft.compiler.errors import WeftError
from weft.compiler.mapped.buffers import BufferizeOp, KeepOp, RecallOp, ResidentOp, StreamifyOp
from weft.compiler.mapped.compute import COMPUTE
from weft.compiler.mapped.loop import Loop, TurnOp, loop_of, when_of
from weft.compiler.mapped.merge import MergeOp
from weft.compiler.mapped.offchip import (
    ArgumentOp,
    LinearLoadOp,
    LinearStoreOp,
    RandomLoadOp,
    RandomStoreOp,
    SinkOp,
    tensor_of,
)
from weft.compiler.mapped.types import Kind
from weft.compiler.mapped.values import stream, used
from weft.compiler.netlist.netlist import Net, Netlist, Pin, Program, Unit
from weft.compiler.passes.units.buffers import buffer_program, resident_program
from weft.compiler.passes.units.cluster import Cluster, Unfit, build
from weft.compiler.passes.units.offchip import (
    bundle_program,
    load_program,
    random_program,
    random_store_program,
    sink_program,
    store_program,
)
from weft.compiler.step.operation import line_of, told_of
from weft.hw.program import Pmu, When
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network, Tile

__all__ = ["lower"]

_NETWORKS = {
    Kind.VECTOR: Network.VECTOR,
    Kind.PACKED: Network.VECTOR,
    Kind.INT8: Network.VECTOR,
    Kind.MXFP4: Network.VECTOR,
    Kind.SCALAR: Network.SCALAR,
    Kind.CONTROL: Network.CONTROL,
}


def lower(
    module: ModuleOp, spec: FabricSpec, regions: Mapping[str, Region], *, pins: Mapping[str, Tile] | None = None
) -> Netlist:
    """Units and nets of a module. ``pins`` are the tiles of resident buffers that other programs have placed.

    Operations that follow each other share a PCU as long as it has inputs, registers, stages and a tail for them. A
    buffer that is read in several ways becomes several PMUs.

    Raises
    ------
    WeftError
        A stream that nobody takes, or an operation that no unit of this fabric can do, whatever its size.
    """
    lowering = _Lowering(module, spec, regions, pins or {})
    lowering.run()
    netlist = Netlist(lowering.units, tuple(lowering.nets()))
    netlist.check(spec)
    return netlist


class _Lowering:
    def __init__(
        self, module: ModuleOp, spec: FabricSpec, regions: Mapping[str, Region], pins: Mapping[str, Tile]
    ) -> None:
        self.spec, self.regions, self.pins = spec, regions, pins
        self.operations = list(module.ops)
        self.loop = loop_of(module)
        self.followed = _followed(self.operations, self.loop)
        self.units: dict[str, Unit] = {}
        self.sources: dict[SSAValue, Pin] = {}
        self.targets: dict[SSAValue, list[Pin]] = {}
        self.bundles = {bundle[0]: bundle for bundle in bundles_of(module, spec)}
        self.bundled = {load: bundle for bundle in self.bundles.values() for load in bundle}
        self.followers: dict[LinearLoadOp, str] = {}
        self.between_rounds: list[Net] = []

    # -- names and nets ---------------------------------------------------------------------------------

    def add(
        self, base: str, program: Program, *made_of: Operation, tile: Tile | None = None, tensor: str | None = None
    ) -> str:
        name, number = base, 2
        while name in self.units:
            name, number = f"{base}.{number}", number + 1
        lines = {line for line in map(line_of, made_of) if line is not None}
        several = tensor is not None and self.spec.channels > 1
        channel = self.regions[tensor].channel if several and tensor is not None else None
        self.units[name] = Unit(name, program, tile, channel, lines=(*sorted(lines),))
        return name

    def take(self, value: SSAValue, unit: str, port: int = 0) -> None:
        self.targets.setdefault(value, []).append(Pin(unit, port))

    def give(self, value: SSAValue | None, unit: str) -> None:
        if value is not None:
            self.sources[value] = Pin(unit)

    def nets(self) -> list[Net]:
        taken: dict[tuple[Network, Pin], list[Pin]] = {}
        for value, source in self.sources.items():
            kind = stream(value).kind
            if value in self.targets:
                taken.setdefault((_NETWORKS[kind], source), []).extend(self.targets[value])
            elif kind is not Kind.CONTROL:
                raise WeftError(f"nobody takes the stream that {self.units[source.unit]} gives; store it or sink it")
        nets = [Net(network, source, tuple(sorted(pins))) for (network, source), pins in taken.items()]
        return nets + self.between_rounds

    # -- units ------------------------------------------------------------------------------------------

    def run(self) -> None:
        self.compute()
        emitted = [op for op in self.operations if isinstance(op, ArgumentOp | TurnOp)]
        for priority, op in enumerate(op for op in self.operations if isinstance(op, LinearLoadOp | RandomLoadOp)):
            with told_of(op):
                self.load(op, priority, emitted)
        if emitted:
            raise WeftError(f"each {emitted[0].name} needs a mapped.linear_load beside it, {len(emitted)} have none")
        for op in self.operations:
            with told_of(op):
                self.other(op)

    def other(self, op: Operation) -> None:
        """A store, sink or buffer."""
        if isinstance(op, LinearStoreOp):
            name = op.tensor.string_value()
            load = self.followed.get(op)
            program = store_program(op, self.regions[name], self.spec, loop=self.loop, told=load is not None)
            unit = self.add(f"store_{name}", program, op, tensor=name)
            self.take(op.value, unit)
            self.give(op.done, unit)
            if load is not None:
                self.between_rounds.append(Net(Network.CONTROL, Pin(unit), (Pin(self.followers[load]),)))
        elif isinstance(op, RandomStoreOp):
            name = op.tensor.string_value()
            program = random_store_program(op, self.regions[name], self.spec, loop=self.loop)
            unit = self.add(f"store_{name}", program, op, tensor=name)
            self.take(op.value, unit)
            self.take(op.index, unit)
            self.give(op.done, unit)
        elif isinstance(op, SinkOp):
            if stream(op.value).kind not in (Kind.VECTOR, Kind.PACKED):
                raise WeftError(f"mapped.sink takes a vector stream, not {stream(op.value).kind.value}")
            self.take(op.value, self.add("sink", sink_program(op, loop=self.loop), op))
        elif isinstance(op, StreamifyOp):
            self.buffer(op)
        elif isinstance(op, BufferizeOp) and not used(op.result):
            raise WeftError("nobody reads a mapped.bufferize")
        elif isinstance(op, ResidentOp):
            self.resident(op)

    def load(self, op: LinearLoadOp | RandomLoadOp, priority: int, emitted: list[ArgumentOp | TurnOp]) -> None:
        name = op.tensor.string_value()
        region = self.regions[name]
        if isinstance(op, RandomLoadOp):
            program = random_program(op, region, self.spec, priority=priority, loop=self.loop)
            unit = self.add(f"load_{name}", program, op, tensor=name)
            self.take(op.index, unit)
            self.give(op.result, unit)
            return
        if op in self.bundled and op not in self.bundles:
            return  # comes with the first of its bundle
        bundle = self.bundles.get(op, (op,))
        programs = [
            load_program(each, self.regions[_name(each)], self.spec, priority=priority, loop=self.loop)
            for each in bundle
        ]
        program = programs[0] if len(bundle) == 1 else bundle_program(programs)
        emits = emitted.pop(0) if emitted and op.after is None else None
        if isinstance(emits, ArgumentOp):
            program = replace(program, emit_arg=emits.index.value.data)
        elif emits is not None:
            program = replace(program, emit_turn=True)
        unit = self.add(f"load_{'+'.join(map(_name, bundle))}", program, *bundle, tensor=name)
        if emits is not None:
            self.give(emits.result, unit)
        if op.after is not None:
            self.take(op.after, unit)
        if op.follows is not None:
            self.followers[op] = unit
        for each in bundle:
            self.give(each.result, unit)
        self.give(op.done, unit)

    def buffer(self, op: StreamifyOp) -> None:
        write = op.buffer.owner
        if not isinstance(write, BufferizeOp):
            raise WeftError("mapped.streamify must read a mapped.bufferize")
        hint = op.result.name_hint or op.buffer.name_hint
        program = buffer_program(write, op, self.spec, hint or "buffer", turns=self.loop.turns)
        load = write.value.owner
        if isinstance(load, LinearLoadOp) and load in self.bundled:
            program = self.own_part(program, load)
        unit = self.add(hint or _unnamed(op), program, op)
        self.take(write.value, unit)
        if op.trigger is not None:
            self.take(op.trigger, unit, 0 if stream(op.trigger).kind is Kind.CONTROL else 1)
        self.give(op.result, unit)
        self.give(op.runs, unit)

    def own_part(self, fifo: Pmu, load: LinearLoadOp) -> Pmu:
        """A FIFO that keeps, of the beats of a bundle, those of one load."""
        bundle = self.bundled[load]
        ends = [*accumulate((tensor_beats(tensor_of(each), self.spec) for each in bundle), initial=0)]
        place = bundle.index(load)
        return replace(fifo, period=ends[-1], block_from=ends[place], block_to=ends[place + 1])

    def resident(self, op: ResidentOp) -> None:
        name = op.sym_name.data
        keeps = [k for k in self.operations if isinstance(k, KeepOp) and k.buffer.string_value() == name]
        recalls = [r for r in self.operations if isinstance(r, RecallOp) and r.buffer.string_value() == name]
        if len(keeps) > 1 or len(recalls) > 1:
            raise WeftError(f"@{name} must be kept once and recalled once, not {len(keeps)} and {len(recalls)} times")
        keep, recall = next(iter(keeps), None), next(iter(recalls), None)
        program = resident_program(op, self.spec, keep=keep, recall=recall, turns=self.loop.turns)
        unit = self.add(name, program, op, tile=self.pins.get(name))
        for keep in keeps:
            self.take(keep.value, unit)
        for recall in recalls:
            self.take(recall.trigger, unit)
            self.give(recall.result, unit)

    def alone(self, op: Operation) -> Cluster:
        """An operation in a PCU of its own."""
        try:
            return build([op], self.spec)
        except Unfit as error:
            raise WeftError(f"{op.name} needs more than a PCU of fabric {self.spec.name!r} has: {error}") from None

    # -- clusters ---------------------------------------------------------------------------------------

    def compute(self) -> None:
        """Chains of operations, each as long as one PCU can hold, in the order of the module."""
        chains: list[list[Operation]] = []
        chain_of: dict[Operation, list[Operation]] = {}
        built: dict[int, Cluster] = {}
        computing: list[Operation] = [op for op in self.operations if isinstance(op, COMPUTE)]
        for op in computing:
            if not used(op.results[0]):
                raise WeftError(f"nobody takes the result of {op.name} ({op.results[0].name_hint or 'unnamed'})")
            for value in op.operands:
                chain = chain_of.get(value.owner) if isinstance(value.owner, Operation) else None
                if chain is None or value.owner is not chain[-1] or any(use.operation is not op for use in value.uses):
                    continue
                try:
                    with told_of(op):
                        built[id(chain)] = build([*chain, op], self.spec)
                except Unfit:
                    continue
                chain.append(op)
                chain_of[op] = chain
                break
            else:
                chain = [op]
                with told_of(op):
                    built[id(chain)] = self.alone(op)
                chains.append(chain)
                chain_of[op] = chain
        for chain in chains:
            cluster = built[id(chain)]
            result = chain[-1].results[0]
            unit = self.add(result.name_hint or _unnamed(chain[-1]), cluster.program, *chain)
            if isinstance(chain[0], MergeOp) and chain[0].known is not None:
                self.units[unit] = replace(self.units[unit], selectors=chain[0].known.get_values())
            for port, value in enumerate(cluster.vector):
                self.take(value, unit, port)
            for port, value in enumerate(cluster.scalar):
                self.take(value, unit, port)
            self.give(result, unit)


def _name(op: LinearLoadOp) -> str:
    """Of the tensor that is loaded."""
    return op.tensor.string_value()


def _unnamed(op: Operation) -> str:
    """What a unit is called whose stream has no name: ``line7.map``."""
    line, what = line_of(op), "buffer" if isinstance(op, StreamifyOp) else op.name.removeprefix("mapped.")
    return what if line is None else f"line{line}.{what}"


def _followed(operations: list[Operation], loop: Loop) -> dict[LinearStoreOp, LinearLoadOp]:
    """The store that each load with ``follows`` comes after in the round before."""
    found: dict[LinearStoreOp, LinearLoadOp] = {}
    for op in operations:
        if isinstance(op, LinearLoadOp | LinearStoreOp) and op.moves is not None and not loop.rounds_arg:
            raise WeftError("round_dim needs a mapped.loop with a rounds_arg")
        if not isinstance(op, LinearLoadOp) or op.follows is None:
            continue
        name = op.tensor.string_value()
        if not loop.rounds_arg or (loop.turns > 1 and when_of(op.when) is not When.FIRST):
            raise WeftError(f"a load of @{name} with follows must be one of the first turn of several rounds")
        stores = [each for each in operations if isinstance(each, LinearStoreOp) and each.tensor.string_value() == name]
        if len(stores) != 1 or stores[0].done is not None or stores[0] in found:
            raise WeftError(f"a load of @{name} with follows needs one store of it, without another token or load")
        found[stores[0]] = op
    return found
