"""PCU and PMU as processes against the functional model: the same beats taken and given, with the same stops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.compiler.backend.buffering.tracing import network_of, trace
from weft.compiler.netlist.netlist import Net, Netlist, Pin, Unit
from weft.hw.numerics.ops import Op
from weft.hw.presets import PRESETS
from weft.hw.program import (
    Accumulate,
    Agcu,
    AgcuKind,
    AgcuLevel,
    Input,
    InputMode,
    Pcu,
    Pmu,
    PmuLevel,
    Port,
    Source,
    Stage,
    Trigger,
    Unpack,
    WriteLevel,
)
from weft.hw.program.firings.pcu import firings_of
from weft.hw.program.firings.pmu_read import read_of
from weft.hw.program.firings.pmu_write import written_of
from weft.hw.program.firings.process import Process, Where
from weft.hw.program.firings.stream import Shape
from weft.hw.topology import Network
from weft.sim.device import Beats
from weft.sim.functional.pcu import run_pcu
from weft.sim.functional.pmu import run_pmu

SPEC = PRESETS["tiny"].replace(stages=3, acc_depth=256, pmu_lines=1024)
ROOMY = SPEC.replace(stages=4, scalar_inputs=4)


@st.composite
def shapes(draw: st.DrawFn, *, voids: bool = False, most: int = 24) -> Shape:
    """Beats with stops up to 2, the last with a stop of 2."""
    stops = [*draw(st.lists(st.sampled_from([0, 0, 0, 1, 2]), max_size=most)), 2]
    void = draw(st.lists(st.booleans(), min_size=len(stops), max_size=len(stops))) if voids else [False] * len(stops)
    return Shape(np.array(stops, np.uint8), np.array(void, bool))


def _beats(shape: Shape, width: int, value: int = 1) -> Beats:
    data = np.full((len(shape), width), value, np.int32).view(np.float32)
    return Beats(data, shape.stop.astype(np.uint8), shape.void)


def _inputs(vector: list[Beats], scalar: list[Beats]) -> dict[Where, Beats]:
    given: dict[Where, Beats] = {(Network.VECTOR, port): each for port, each in enumerate(vector)}
    return given | {(Network.SCALAR, port): each for port, each in enumerate(scalar)}


def _same(ours: Shape, theirs: Beats | None) -> None:
    assert theirs is not None
    assert ours.stop.tolist() == theirs.stop.tolist()
    assert ours.void.tolist() == theirs.void.tolist()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_pcu(data: st.DataObject) -> None:
    first, other, held = data.draw(shapes(voids=True)), data.draw(shapes()), data.draw(shapes())
    merge, choice = data.draw(st.booleans()), data.draw(st.integers(0, 1))
    held = Shape(held.stop, held.void, choice)
    accumulate = data.draw(st.sampled_from(Accumulate))
    row = data.draw(st.integers(1, 2)) if accumulate is Accumulate.DRAIN else 0
    second = data.draw(st.sampled_from([InputMode.OFF, InputMode.EACH, InputMode.HOLD]))
    program = Pcu(
        vector=() if merge else (Input(InputMode.EACH), Input(second, data.draw(st.integers(0, 2)))),
        scalar=() if merge else (Input(data.draw(st.sampled_from([InputMode.OFF, InputMode.HOLD])), 1),),
        reference=Source.REG0,
        merge=merge,
        merge_rank=data.draw(st.integers(1, 2)),
        unpack=Unpack.OFF if merge else data.draw(st.sampled_from([Unpack.OFF, Unpack.BF16])),
        unpack_odd=data.draw(st.booleans()),
        accumulate=accumulate,
        acc_row=row,
        acc_rank=data.draw(st.integers(max(1, row), 2)),
        drain_stages=data.draw(st.integers(1, 3)),
        stop_rank=data.draw(st.integers(0, 1)),
        stop_add=data.draw(st.integers(0, 1)),
        vector_out=True,
    )
    if accumulate is not Accumulate.OFF:
        program = replace(program, stages=(Stage(c=Source.ACC),) * 3)
    made = firings_of(program, {(Network.VECTOR, 0): first, (Network.VECTOR, 1): other, (Network.SCALAR, 0): held})
    expected = run_pcu(SPEC, program, _inputs([_beats(first, 4), _beats(other, 4)], [_beats(held, 1, choice)]))
    process, outputs = made.process, made.outputs
    _same(outputs[Network.VECTOR], expected.vector)
    taken = {where: count for where, count in expected.taken.items() if count}
    assert {side.where: side.total for side in process.takes if side.total} == taken
    _check_sides(process)


def _check_sides(process: Process) -> None:
    """What a side promises."""
    for side in (*process.takes, *process.gives):
        needs, done = side.firings()
        assert len(needs) == len(done) == process.firings
        before = np.append(0, done)[:-1]
        assert done[-1:].tolist() in ([], [side.total])
        assert (done - before <= 1).all()
        assert (needs <= before + 1).all()
        assert (needs >= done).all()
        assert (np.diff(needs) >= 0).all()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_pcu_of_a_product(data: st.DataObject) -> None:
    form, row = data.draw(st.sampled_from([Unpack.INT8, Unpack.MXFP4])), data.draw(st.integers(1, 9))
    sizes = data.draw(st.lists(st.integers(1, 70), min_size=1, max_size=3))
    stop = np.concatenate([np.append(np.zeros(size - 1), 1) for size in sizes]).astype(np.uint8)
    stop[-1] = 2
    program = product_program(form, row)
    beats = sum(form.matrix_beats(size, row) for size in sizes)
    weights, numbers = Shape.of(np.full(beats, 3, np.uint8)), Shape.of(stop)
    made = firings_of(program, {(Network.VECTOR, 0): weights, (Network.SCALAR, 0): numbers})
    expected = run_pcu(ROOMY, program, _inputs([_beats(weights, 4, 0)], [_beats(numbers, 1)]))
    process, outputs = made.process, made.outputs
    _same(outputs[Network.VECTOR], expected.vector)
    assert [side.total for side in process.takes] == [beats, len(stop)]
    assert list(expected.taken.values()) == [beats, len(stop)]
    assert [side.total for side in process.gives] == [row * len(sizes)]
    _check_sides(process)


def product_program(form: Unpack, row: int) -> Pcu:
    stages = tuple(Stage(Op.MULADD, Source(i), Source.scalar(i), Source.ACC) for i in range(form.width))
    return Pcu(
        vector=(Input(InputMode.EACH),),
        scalar=(Input(InputMode.HOLD, 1),) * form.width,
        unpack=form,
        unpack_row=row,
        stages=stages,
        accumulate=Accumulate.DRAIN,
        acc_row=1,
        acc_rank=2,
        drain_sum=True,
        drain_scale=form is Unpack.INT8,
        stop_rank=2,
        stop_sub=1,
        vector_out=True,
    )


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_pmu(data: st.DataObject) -> None:
    written = data.draw(shapes(voids=True))
    trigger = data.draw(st.sampled_from([Trigger.BLOCK, Trigger.CONTROL, Trigger.ADDRESS]))
    by_length, first = data.draw(st.booleans()), data.draw(st.integers(0, 2))
    levels = (PmuLevel(1, 0, 1), PmuLevel(data.draw(st.integers(1, 3)), 0, 2))
    program = Pmu(
        write=Port.VECTOR,
        write_rank=data.draw(st.integers(0, 2)),
        write_from=first if by_length else 0,
        write_to=data.draw(st.integers(first + 1, 5)) if by_length else 0,
        block_lines=32,
        blocks=32,
        read=Port.VECTOR,
        trigger=trigger,
        free_rank=data.draw(st.integers(0, 2)),
        levels=levels,
        by_length=by_length,
        transposed=data.draw(st.booleans()),
        write_levels=data.draw(st.sampled_from([(), (WriteLevel(2, 0),)])),
        read_rank=2,
        control_out=data.draw(st.booleans()),
    )
    starts = data.draw(shapes(voids=trigger is Trigger.ADDRESS))
    if not by_length:
        written = Shape.of(written.stop)  # a block of nothing cannot be read
    blocks = written_of(program, written).blocks
    begin = None if trigger is Trigger.BLOCK else starts
    read = read_of(program, blocks, begin, lanes=SPEC.lanes)
    process, outputs = read.process, read.outputs
    expected = run_pmu(
        SPEC,
        program,
        vector=_beats(written, 4),
        scalar=None,
        address=_beats(starts, 1, 0) if trigger is Trigger.ADDRESS else None,
        control=_beats(starts, 0) if trigger is Trigger.CONTROL else None,
    )
    _same(outputs[Network.VECTOR], expected.vector)
    assert (Network.CONTROL in outputs) == program.control_out
    if program.control_out:
        _same(outputs[Network.CONTROL], expected.control)
    sides = {side.where: side.total for side in process.takes}
    assert sides.pop((None, 0)) == len(blocks.outer) - len(expected.state.kept)
    assert list(sides.values()) == ([] if trigger is Trigger.BLOCK else [expected.taken])
    for side in (*process.takes, *process.gives):
        needs, done = side.firings()
        assert len(needs) == len(done) == process.firings
        assert done[-1:].tolist() in ([], [side.total])
        assert (needs >= done).all()
        assert (needs <= np.append(0, done)[:-1] + 1).all()
        assert (np.diff(done) >= 0).all()


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
        sent = network.processes[network.units.index("kept") + 1].gives[0].total
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
