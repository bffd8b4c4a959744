"""How far to spread a program over a fabric: candidates are compiled and predicted, and the fastest is taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from weft.compiler.compile import CompiledProgram, compile_program
from weft.compiler.errors import WeftError
from weft.compiler.passes.sharding import Shard, Spread
from weft.compiler.step.access import LoadOp, StoreOp
from weft.compiler.step.dimension import DimensionOp
from weft.compiler.step.loop import KeepOp, LoopOp, RecallOp
from weft.compiler.step.matmul import MatmulOp
from weft.compiler.step.random_access import RandomLoadOp, RandomStoreOp
from weft.compiler.step.tensor import Role
from weft.compiler.step.types import Element, stream_of
from weft.compiler.timing import predict
from weft.hw.spec import FabricSpec

__all__ = ["Candidate", "Choice", "choose", "spreads_of"]

_BITS = {Element.F32: 32, Element.I32: 32, Element.BF16: 16, Element.INT8: 8, Element.MXFP4: 4}


@dataclass(frozen=True)
class Candidate:
    """A spread, and the cycles that it takes at least: those of its channels, or of products that wait for each other.

    ``cycles`` are predicted, None where it was not tried, or was ``refused``.
    """

    spread: Spread
    least: int
    cycles: int | None = None
    refused: str = ""


@dataclass(frozen=True)
class Choice:
    """The fastest of the candidates that fit, and all of them, the chosen one first, then by their cycles."""

    chosen: Candidate
    candidates: tuple[Candidate, ...]


def spreads_of(spec: FabricSpec, others: Sequence[Mapping[str, int]] = ()) -> list[Spread]:
    """A part for each channel, half as many, and so on down to one; for the first ``others`` are limits to try, too."""
    found = [Spread(spec.channels, limits) for limits in others if spec.channels > 1]
    shards = spec.channels
    while shards > 1:
        found.append(Spread(shards))
        shards //= 2
    return [*found, Spread()]


def choose(
    program: ModuleOp,
    spec: FabricSpec,
    spreads: Sequence[Spread],
    sizes: Mapping[str, int],
    compiled: Callable[[Spread], CompiledProgram] | None = None,
) -> Choice:
    """Compile a program for each spread that could be the fastest, and predict a launch.

    Of symbols without a size in ``sizes`` it is the largest that counts.

    What takes longer at least than another one does is not tried; neither is what the fabric has too few AGCUs for.

    Raises
    ------
    WeftError
        None of them can be: what the last one lacks.
    """
    largest = {op.sym_name.data: op.largest for op in program.ops if isinstance(op, DimensionOp)}
    sizes = {**largest, **sizes}
    found = [_outlook(program, spread, spec, sizes) for spread in spreads]
    best: Candidate | None = None
    tried: list[Candidate] = []
    for each in sorted(found, key=lambda each: each.least):
        done = each
        if not each.refused and (best is None or best.cycles is None or each.least < best.cycles):
            try:
                made = compile_program(program, spec, spread=each.spread) if compiled is None else compiled(each.spread)
                done = Candidate(each.spread, each.least, _cycles(made, sizes, each.least))
            except WeftError as error:
                done = Candidate(each.spread, each.least, refused=str(error))
        tried.append(done)
        if done.cycles is not None and (best is None or best.cycles is None or done.cycles < best.cycles):
            best = done
    if best is None:
        raise WeftError(tried[-1].refused)
    rest = [each for each in tried if each is not best]
    return Choice(best, (best, *sorted(rest, key=lambda each: (each.cycles is None, each.cycles or 0))))


def _cycles(made: CompiledProgram, sizes: Mapping[str, int], least: int) -> int:
    """Those predicted; at least those that it must take where data decide the addresses, which no model can time."""
    try:
        return predict(made.mapping, made.arguments(sizes)).cycles
    except WeftError:
        return least


def _outlook(program: ModuleOp, spread: Spread, spec: FabricSpec, sizes: Mapping[str, int]) -> Candidate:
    """What the shards of a logical program say, before anything is laid out."""
    made = program.clone()
    try:
        Shard(spread).apply(Context(), made)
    except WeftError as error:
        return Candidate(spread, 0, refused=str(error))
    agcus = _fewest_agcus(made, spec)
    if agcus > 2 * spec.rows:
        refused = f"needs {agcus} AGCUs but fabric {spec.name!r} has {2 * spec.rows}"
        return Candidate(spread, 0, refused=refused)
    loop = next((op for op in made.ops if isinstance(op, LoopOp)), LoopOp(1))
    now = sizes if loop.round is None else {**sizes, loop.round: 0}
    memory, products = _memory_cycles(made, spec, now, loop.iterations), _product_cycles(made, spec, loop.iterations)
    return Candidate(spread, max(memory, products))


def _fewest_agcus(made: ModuleOp, spec: FabricSpec) -> int:
    """One for each load and store; of weights as many loads as an AGCU takes parts may share one."""
    accesses = [op for op in made.ops if isinstance(op, LoadOp | StoreOp | RandomLoadOp | RandomStoreOp)]
    weights = sum(isinstance(op, LoadOp) and op.declaration.role is Role.WEIGHT for op in accesses)
    return len(accesses) - weights + -(-weights // spec.agcu_parts)


def _memory_cycles(made: ModuleOp, spec: FabricSpec, sizes: Mapping[str, int], iterations: int) -> int:
    """Those in which the fullest channel brings what is loaded, if nothing else took time."""
    bits: Counter[tuple[int, int]] = Counter()
    for op in made.ops:
        if isinstance(op, LoadOp):
            tensor, shard = op.declaration, op.declaration.shard
            times = 1 if tensor.each is None else iterations
            where = (0, 1) if shard is None else (shard.index, shard.count)
            bits[where] += times * _BITS[tensor.element] * prod(dim.at(sizes) for dim in op.result.type.dims)
    # A shard has several channels where there are more of these.
    fullest = max((count / -(-spec.channels // of) for (_, of), count in bits.items()), default=0)
    return int(max(sum(bits.values()) / spec.channels, fullest) / spec.channel_bits)


def _product_cycles(made: ModuleOp, spec: FabricSpec, iterations: int) -> int:
    """Those of products that wait for each other: a PCU takes ``32 * lanes`` bits of weights a cycle.

    Only one row, whose columns have an accumulator each, is there at once, so that what takes it waits for all of the
    product; and only a state makes iterations wait for each other.
    """
    done: dict[SSAValue, float] = {}
    since_recall: dict[SSAValue, float] = {}
    once = kept = 0.0
    for op in made.ops:
        cost, alone = 0.0, True
        if isinstance(op, MatmulOp):
            weights = stream_of(op.right)
            columns = weights.dims[-1].number or 0
            alone = stream_of(op.left).rank == 1 and columns <= spec.acc_depth * spec.lanes
            cost = _BITS[weights.element] * prod(dim.number or 1 for dim in weights.dims) / (32 * spec.lanes)
        begin = max((done.get(value, 0.0) for value in op.operands), default=0.0)
        end = begin + cost if alone else max(begin, cost)
        once = max(once, end)
        done |= dict.fromkeys(op.results, end)
        waited = [since_recall[value] for value in op.operands if value in since_recall]
        if isinstance(op, RecallOp):
            since_recall[op.result] = 0.0
        elif waited:
            since_recall |= dict.fromkeys(op.results, max(waited) + cost * alone)
        if isinstance(op, KeepOp):
            kept = max(kept, since_recall.get(op.value, 0.0))
    return int(max(once, kept * iterations))
