"""PMU programs of Bufferize and Streamify, and of resident buffers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from xdsl.dialects.builtin import StringAttr

from weft.compiler.backend.memory import row_beats
from weft.compiler.errors import WeftError
from weft.compiler.mapped.buffers import BufferizeOp, KeepOp, RecallOp, ResidentOp, StreamifyOp
from weft.compiler.mapped.loop import when_of
from weft.compiler.mapped.matmul import MatmulOp
from weft.compiler.mapped.types import DYNAMIC, BufferType, Kind
from weft.compiler.mapped.values import stream, used
from weft.compiler.passes.units.transpose import transposing_read, transposing_write
from weft.hw.program import Pmu, PmuLevel, Port, Trigger, When
from weft.hw.spec import FabricSpec

__all__ = ["buffer_program", "resident_program"]


def _row_words(kind: Kind, elements: int, spec: FabricSpec) -> int:
    """Words between rows of a buffer."""
    return elements if kind is Kind.SCALAR else row_beats(elements, spec, packed=kind is Kind.PACKED) * spec.lanes


def _natural(dims: tuple[int, ...], kind: Kind, spec: FabricSpec) -> list[int]:
    """Strides in words of a buffer read in order, outermost first."""
    if not dims:
        return []
    strides = [1]
    step = _row_words(kind, dims[-1], spec)
    for size in reversed(dims[:-1]):
        strides.append(step)
        step *= size
    return strides[::-1]


def _lines(kind: Kind, dims: tuple[int, ...], spec: FabricSpec) -> int:
    """Lines of a block."""
    if not dims:
        return 1
    return -(-prod(dims[:-1]) * _row_words(kind, dims[-1], spec) // spec.lanes)


def _ring(lines: int, wanted: int | None, spec: FabricSpec, name: str) -> int:
    blocks = spec.pmu_lines // lines if wanted is None else wanted
    if blocks < 1 or blocks * lines > spec.pmu_lines:
        needed = lines * max(1, wanted or 1)
        power = 1 << (needed - 1).bit_length()
        raise WeftError(
            f"buffer {name!r} needs {needed} lines of a PMU, but fabric {spec.name!r} has pmu_lines = "
            f"{spec.pmu_lines}: set pmu_lines={power}"
        )
    return blocks


def _limited(program: Pmu, when: StringAttr | None, turns: int) -> Pmu:
    """The program, keeping only the blocks of some turns, each of which brings one."""
    if when is None:
        return program
    kept = {
        When.EVERY: (0, turns),
        When.FIRST: (0, 1),
        When.LATER: (1, turns),
        When.LAST: (turns - 1, turns),
        When.EARLIER: (0, turns - 1),
    }
    begin, end = kept[when_of(when)]
    return replace(program, period=turns, block_from=begin, block_to=end)


def buffer_program(write: BufferizeOp, read: StreamifyOp, spec: FabricSpec, name: str, *, turns: int) -> Pmu:
    """One scratchpad: what a Bufferize writes and one Streamify reads.

    Raises
    ------
    WeftError
        A block larger than a PMU, strides that are no whole lines, more loops than a PMU has, or matrices of a shape
        that cannot be transposed.
    """
    buffer = read.buffer.type
    assert isinstance(buffer, BufferType)
    dynamic = DYNAMIC in buffer.inner
    lines = spec.pmu_lines if dynamic else _lines(buffer.kind, buffer.inner, spec)
    blocks = _ring(lines, None if write.blocks is None else write.blocks.value.data, spec, name)
    result = read.result.type
    vector = result.kind is not Kind.SCALAR
    write_levels, write_stride, offset = (), 1, 0 if read.offset is None else read.offset.value.data
    if read.transposed is not None:
        write_levels, write_stride = transposing_write(buffer.inner, spec)
        repeat = None if read.repeat is None else read.repeat.value.data
        levels = transposing_read(
            buffer.inner,
            spec,
            name,
            flat=read.flat is not None,
            repeat=repeat,
            other_lanes=all(isinstance(use.operation, MatmulOp) and use.index == 0 for use in read.result.uses),
        )
    else:
        offset = _in_lines(offset, spec, name) if vector else offset
        levels = _loops(read, buffer, spec, name, vector=vector)
    trigger, free_rank = Trigger.BLOCK, 0
    if read.trigger is not None:
        given = stream(read.trigger)
        trigger = Trigger.CONTROL if given.kind is Kind.CONTROL else Trigger.ADDRESS
        trigger = trigger if read.length is None else Trigger.LENGTH
        free_rank = given.rank - len(buffer.outer)
    program = Pmu(
        write=Port.SCALAR if buffer.kind is Kind.SCALAR else Port.VECTOR,
        write_rank=write.rank.value.data,
        write_from=0 if write.first is None else write.first.value.data,
        write_to=0 if write.last is None else write.last.value.data,
        block_lines=lines,
        blocks=blocks,
        read=Port.VECTOR if vector else Port.SCALAR,
        trigger=trigger,
        free_rank=free_rank,
        offset=offset,
        levels=levels,
        by_length=dynamic and trigger is not Trigger.LENGTH and read.loops[-1:] == (DYNAMIC,),
        read_rank=1 if read.flat is not None and read.transposed is None else len(read.loops),
        control_out=read.runs is not None and used(read.runs),
        write_levels=write_levels,
        write_stride=write_stride,
        transposed=read.transposed is not None,
    )
    return _limited(program, write.when, turns)


def _in_lines(words: int, spec: FabricSpec, name: str) -> int:
    if words % spec.lanes:
        raise WeftError(f"stride or offset of {name!r} must be a multiple of lanes = {spec.lanes} words, not {words}")
    return words // spec.lanes


def _loops(read: StreamifyOp, buffer: BufferType, spec: FabricSpec, name: str, *, vector: bool) -> tuple[PmuLevel, ...]:
    """The loop nest, innermost first."""
    sizes = read.loops
    strides = _natural(sizes, buffer.kind, spec) if read.strides is None else read.strides.get_values()
    levels: list[PmuLevel] = []
    for level, (size, stride) in enumerate(zip(reversed(sizes), reversed(strides), strict=True)):
        rank = level + 1 if read.flat is None else int(level == len(sizes) - 1)
        if not vector:
            levels.append(PmuLevel(max(size, 1), stride, rank))  # a dynamic size is the trigger's
        elif level == 0:
            beats = 1 if size == DYNAMIC else row_beats(size, spec, packed=read.result.type.kind is Kind.PACKED)
            levels.append(PmuLevel(beats, 1, rank))
        else:
            levels.append(PmuLevel(size, _in_lines(stride, spec, name), rank))
    if len(levels) > spec.pmu_levels:
        levels = _fewer(levels)
    if len(levels) > spec.pmu_levels:
        raise WeftError(
            f"reading {name!r} must take at most pmu_levels = {spec.pmu_levels} loops of more than one iteration on "
            f"fabric {spec.name!r}, not {len(levels)}"
        )
    return (*levels,)


def _fewer(levels: Sequence[PmuLevel]) -> list[PmuLevel]:
    """The same nest without loops of one iteration; each but the innermost ends with the one in it."""
    kept = list(levels[:1])
    for level in levels[1:]:
        if level.bound == 1:
            kept[-1] = replace(kept[-1], rank=level.rank)
        else:
            kept.append(level)
    return kept


def resident_program(
    resident: ResidentOp, spec: FabricSpec, *, keep: KeepOp | None, recall: RecallOp | None, turns: int
) -> Pmu:
    """The scratchpad of a resident buffer in one program."""
    shape = resident.shape.get_values()
    lines = _lines(Kind.VECTOR, shape, spec)
    blocks = _ring(lines, None, spec, resident.sym_name.data)
    levels = []
    for level, (size, stride) in enumerate(
        zip(reversed(shape), reversed(_natural(shape, Kind.VECTOR, spec)), strict=True)
    ):
        beats = row_beats(size, spec, packed=False) if level == 0 else size
        levels.append(PmuLevel(beats, 1 if level == 0 else stride // spec.lanes, level + 1))
    program = Pmu(
        write=Port.OFF if keep is None else Port.VECTOR,
        write_rank=len(shape),
        block_lines=lines,
        blocks=blocks,
        read=Port.OFF if recall is None else Port.VECTOR,
        trigger=Trigger.CONTROL,
        levels=(*levels,),
        read_rank=len(shape),
    )
    return _limited(program, None if keep is None else keep.when, turns)
