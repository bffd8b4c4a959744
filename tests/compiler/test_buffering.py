"""Buffer sizing: what deadlocks is found, named and mended; what does not is left alone."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from buffering_programs import centred, centred_columns, centred_dynamic, counted, dynamic_rows
from checkpoint_cases import RECORDED, SHIPPED, on_fabrics
from decoders import compile_decoder
from xdsl.dialects.builtin import ModuleOp

from weft.compiler.backend.buffering import Launches, launches_of, shortages
from weft.compiler.backend.buffering.fifos import MOST_FIFOS
from weft.compiler.backend.buffering.sizing import fit_with_buffers
from weft.compiler.backend.buffering.tracing import network_of
from weft.compiler.backend.mapping import FitError, Mapping
from weft.compiler.backend.memory import allocate
from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.compile import compile_module, compile_program, tensors_of
from weft.compiler.errors import WeftError
from weft.compiler.mapped import parse_module
from weft.compiler.mapped.loop import turns_of
from weft.compiler.mapped.tensor import Role
from weft.compiler.models.llama.decoder_program import CompiledDecoder
from weft.compiler.netlist.netlist import Net, Netlist, Pin, Unit
from weft.compiler.passes.units import lower
from weft.compiler.step import parse_program
from weft.hw.presets import PRESETS
from weft.hw.program import Accumulate, Agcu, AgcuKind, Input, InputMode, Pcu, Pmu, When
from weft.hw.program.firings.pcu import firings_of
from weft.hw.program.firings.pmu_write import write_port
from weft.hw.program.firings.stream import Shape
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network
from weft.sim.decoder import DecoderSession
from weft.sim.device import Beats, Launch
from weft.sim.functional.device import FunctionalDevice
from weft.sim.functional.pmu import run_pmu
from weft.sim.run import run_program

ROOT = Path(__file__).parents[2]
TINY, DEMO = PRESETS["tiny"], PRESETS["demo"]
WIDE = DEMO.replace(rows=11, lanes=16, channel_bits=256)
EXAMPLES = sorted((ROOT / "tests" / "data" / "mapped").glob("*.mlir"))


def _lower(module: ModuleOp, spec: FabricSpec) -> Netlist:
    return lower(module, spec, allocate(tensors_of(module), spec, turns=turns_of(module))[0])


def _short(module: ModuleOp, spec: FabricSpec) -> list[str]:
    return [each.sentence for each in shortages(_lower(module, spec), spec, launches_of(module, spec))]


# -- what deadlocks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", [TINY, DEMO], ids=lambda spec: spec.name)
def test_a_row_longer_than_the_direct_link_holds_is_found(spec: FabricSpec) -> None:
    sure = spec.fifo_depth + 1  # the target's queue, and the head of the switch where the streams part
    assert _short(centred(3, sure * spec.lanes), spec) == []
    (sentence,) = _short(centred(3, (sure + 1) * spec.lanes), spec)
    assert sentence == (
        f"the vector link from 'load_x' to 'y' is sure to hold {sure} beats but needs {sure + 1}, or the program "
        "stops: 'load_x' waits for room at 'y', 'y' waits for a beat from 'top', 'top' waits for a beat from 'load_x'"
    )


@pytest.mark.parametrize("beats", range(6, 40, 3))
def test_the_least_that_is_needed_is_a_row(beats: int) -> None:
    module = centred(2, beats * TINY.lanes)
    (short,) = shortages(_lower(module, TINY), TINY, Launches(({},)))
    assert short.needed == beats


def test_a_step_needs_room_even_if_it_gives_nothing() -> None:
    """A result without room at the end of the pipeline stops the header."""
    program = Pcu(vector=(Input(InputMode.EACH),), accumulate=Accumulate.REDUCE, acc_rank=1, scalar_out=True)
    made = firings_of(program, {(Network.VECTOR, 0): Shape.of(np.array([0, 0, 1, 0, 1], np.uint8))})
    (gives,) = made.process.gives
    needs, done = gives.firings()
    assert (needs.tolist(), done.tolist()) == ([1, 1, 1, 2, 2], [0, 0, 1, 1, 2])


def test_a_fifo_lets_void_beats_pass() -> None:
    fifo = compile_module(centred(3, 200), TINY).mapping.netlist.units["y.fifo"].program
    assert isinstance(fifo, Pmu)
    beats = Beats(np.ones((3, 4), np.float32), np.array([0, 1, 2], np.uint8), np.array([False, True, False]))
    sent = run_pmu(TINY, fifo, vector=beats, scalar=None, address=None, control=None).vector
    assert sent is not None
    assert (sent.stop.tolist(), sent.void.tolist()) == ([0, 1, 2], [False, True, False])


def test_a_link_that_is_too_short_gets_a_fifo() -> None:
    x = np.random.default_rng(1).normal(size=(3, 200)).astype(np.float32)
    program = compile_module(centred(3, 200), TINY)
    assert isinstance(program.mapping.netlist.units["y.fifo"].program, Pmu)
    assert shortages(program.mapping.netlist, TINY, Launches(({},))) == []
    outputs, _ = run_program(program, TINY, FunctionalDevice(TINY, memory_bytes=1 << 16), {"x": x})
    np.testing.assert_array_equal(outputs["y"], x - x.max(axis=1, keepdims=True))


def test_launches_that_need_more_and_more_make_a_row_of_fifos_longer() -> None:
    spec, sizes = TINY.replace(columns=8, pmu_lines=16), (20, 40, 80)
    launches = Launches(tuple({1: beats} for beats in sizes))
    netlist = fit_with_buffers(_lower(centred_dynamic(3, 320), spec), spec, launches).netlist
    assert [name for name in netlist.units if "fifo" in name] == ["y.fifo", "y.fifo.2", "y.fifo.3"]
    assert shortages(netlist, spec, launches) == []


def test_a_row_of_fifos_that_is_too_long_is_refused_with_lines_that_are_enough() -> None:
    beats = (MOST_FIFOS + 4) * 24
    launches, module = Launches(({1: 20}, {1: beats})), centred_dynamic(3, beats * TINY.lanes)
    spec = TINY.replace(columns=8, pmu_lines=16)
    with pytest.raises(WeftError, match=r"from 'load_x' to 'y' .*: set pmu_lines=512 for a FIFO there") as caught:
        fit_with_buffers(_lower(module, spec), spec, launches)
    spec = _change(caught.value, spec)
    fit_with_buffers(_lower(module, spec), spec, launches)


def test_a_link_is_told_by_the_lines_of_a_program() -> None:
    program = parse_program("""step.tensor @x : f32 [3, 1600] input
step.tensor @y : f32 [3, 1600] output
%x = step.load @x : !step.stream<f32, [3, 1600]>
%top = step.accum max %x over [1] : !step.stream<f32, [3]>
%tops = step.expand %top along [1] : !step.stream<f32, [3, 1600]>
%d = step.map sub %x, %tops : !step.stream<f32, [3, 1600]>
%y = step.map exp %d : !step.stream<f32, [3, 1600]>
step.store %y in @y""")
    with pytest.raises(WeftError) as caught:
        compile_program(program, TINY)
    assert str(caught.value).startswith("the vector link from 'load_x' (line 3) to 'y' (lines 6 and 7) is sure to hold")
    assert "'y' (lines 6 and 7) waits for a beat from 'top' (line 4), " in str(caught.value)


def _change(error: WeftError, spec: FabricSpec) -> FabricSpec:
    field, value = re.findall(r"set (\w+)=(\d+)", str(error))[-1]
    return spec.replace(**{field: int(value)})


@pytest.mark.parametrize(
    ("module", "spec", "sentence"),
    [
        # A FIFO would be deeper than all PMUs together.
        (
            centred(3, 260),
            TINY.replace(pmu_lines=16),
            r"needs 65, .*; with a FIFO there, it needs 3 PMUs but fabric 'tiny' has 2: set fifo_depth=64$",
        ),
        # There is no PMU, but the inputs can be deeper.
        (centred(3, 40), TINY.replace(pattern=("CC",)), r"needs 10, .* needs 1 PMUs but .* has 0: set fifo_depth=16$"),
        # A token cannot wait in a PMU.
        (counted(30), TINY, r"the control link from 'rows' to 'y' is sure to hold 10 beats .*: set fifo_depth=32$"),
    ],
    ids=["pmu too small", "no pmu", "tokens"],
)
def test_what_no_fifo_mends_is_one_sentence_with_a_change_that_is_enough(
    module: ModuleOp, spec: FabricSpec, sentence: str
) -> None:
    with pytest.raises(WeftError, match=sentence) as caught:
        compile_module(module, spec)
    compile_module(module, _change(caught.value, spec))


def test_fifos_count_among_the_tiles_that_a_fabric_lacks() -> None:
    spec = TINY.replace(rows=1, pattern=("CC", "MC"), pmu_lines=128)
    with pytest.raises(FitError, match=r"needs 100, .*; with a FIFO there, it needs 1 PMUs .* has 0: set rows=2$"):
        compile_module(centred(3, 400), spec)
    compile_module(centred(3, 400), spec.replace(rows=2))


def test_deeper_inputs_are_not_advised_where_tiles_lack_all_the_same() -> None:
    with pytest.raises(FitError, match=r"^needs 2 PCUs and 1 PMUs but fabric 'tiny' has 1 and 0: set columns=3$"):
        compile_module(centred(3, 40), TINY.replace(rows=1, columns=1))


def test_what_no_pmu_could_keep_is_said() -> None:
    with pytest.raises(WeftError, match=r"needs 80000, .*: no PMU keeps so much, load it from memory again$"):
        compile_module(centred(1, 4 * 80000), TINY)


def test_given_blocks_that_are_too_few_are_named() -> None:
    with pytest.raises(WeftError, match=r"buffer 'again' holds 2 blocks but needs 5, .*: set blocks = 5 in its"):
        compile_module(centred_columns(8, 20, blocks=2), TINY)
    for blocks in (5, None):
        netlist = compile_module(centred_columns(8, 20, blocks=blocks), TINY).mapping.netlist
        assert sorted(name for name, unit in netlist.units.items() if isinstance(unit.program, Pmu)) == [
            "again",
            "sums",
        ]


# -- what does not ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", [TINY.replace(columns=3), DEMO], ids=lambda spec: spec.name)
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_need_no_more(path: Path, spec: FabricSpec) -> None:
    module = parse_module(path.read_text())
    netlist = _lower(module, spec)
    assert all(network_of(netlist, spec, {}, turn) is not None for turn in range(turns_of(module)))
    assert compile_module(module, spec).mapping.netlist == netlist


def _decoder_launches(compiled: CompiledDecoder) -> list[dict[int, int]]:
    last = compiled.context - 1
    return [compiled.arguments(position) for position in (0, last // 2, last)]


@pytest.mark.parametrize(("folder", "fabric"), on_fabrics([SHIPPED, *RECORDED], "8 lanes", "16 lanes"))
def test_decoders_need_no_more(folder: Path, fabric: str) -> None:
    spec = DEMO.replace(rows=11) if fabric == "8 lanes" else WIDE
    compiled = compile_decoder(read_checkpoint(folder).config, spec)
    launches, netlist = _decoder_launches(compiled), compiled.program.mapping.netlist
    for turn in range(compiled.config.layers):
        assert all(network_of(netlist, spec, arguments, turn) is not None for arguments in launches)
    assert shortages(netlist, spec, Launches((*launches,))) == []


@pytest.fixture(scope="module")
def narrow() -> CompiledDecoder:
    """The shipped model where its vectors are longer than any link: 32 beats of 2 lanes."""
    spec = DEMO.replace(lanes=2, channel_bits=64, rows=13, acc_depth=256, pmu_lines=2048)
    return compile_decoder(read_checkpoint(SHIPPED).config, spec)


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("norm.fifo", True), ("attended.fifo", True), ("mlp_norm.fifo", True), ("layer_out.fifo", True),
        ("queries", True), ("score_again", True), ("qkv_weights_ahead", False), ("keys_rows", False), ("heads", False),
        ("gated.numbers", False),
    ],
)  # fmt: skip
def test_what_meets_itself_again_needs_its_buffer(narrow: CompiledDecoder, name: str, needed: bool) -> None:
    """With one block, norms, residual connections and the softmax deadlock; what is on no circle does not."""
    netlist = narrow.program.mapping.netlist
    program = netlist.units[name].program
    assert isinstance(program, Pmu)
    assert program.blocks > 1
    short = replace(netlist.units[name], program=replace(program, blocks=1))
    changed = Netlist({**netlist.units, name: short}, netlist.nets)
    found = shortages(changed, narrow.spec, Launches((*_decoder_launches(narrow),)))
    assert (name in {each.channel.pin.unit for each in found}) == bool(found) == needed


# -- counts -----------------------------------------------------------------------------------------------


def _check_counts(mapping: Mapping, arguments: dict[int, int], launch: Launch, turns: int = 1) -> int:
    """The beats that the functional device sees at every buffer and store are those counted; how many places agree."""
    counted: Counter[str] = Counter()
    for turn in range(turns):
        network = network_of(mapping.netlist, mapping.spec, arguments, turn)
        assert network is not None
        for number, channel in enumerate(network.channels):
            program = mapping.netlist.units[channel.pin.unit].program
            where = None if channel.net is None else (channel.net.network, channel.pin.port)
            kept = write_port(program) if isinstance(program, Pmu) else (Network.VECTOR, 0)
            if where is not None and where == kept and not isinstance(program, Pcu):
                counted[channel.pin.unit] += network.total(number)
    assert counted == {unit: len(launch.buffers[mapping.tiles[unit]].stop) for unit in counted}
    return len(counted)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_counts_of_examples_are_the_functional_devices(path: Path) -> None:
    module = parse_module(path.read_text())
    program = compile_module(module, DEMO)
    turns = turns_of(module)
    inputs = {
        each.sym_name.data: np.ones(each.sizes if each.each is None else (turns, *each.sizes), np.float32)
        for each in tensors_of(module)
        if each.role is Role.INPUT
    }
    _, launch = run_program(program, DEMO, FunctionalDevice(DEMO, memory_bytes=1 << 20), inputs)
    assert _check_counts(program.mapping, {}, launch, turns) > 0


def test_counts_of_a_decoder_are_the_functional_devices() -> None:
    checkpoint = read_checkpoint(ROOT / "tests/data/checkpoints/three-heads")
    compiled = compile_decoder(checkpoint.config, DEMO)
    device = FunctionalDevice(DEMO, memory_bytes=compiled.memory_bytes)
    session = DecoderSession(compiled, checkpoint, DEMO, device)
    for position in range(3):
        session.step(position)
        mapping, turns = compiled.program.mapping, checkpoint.config.layers
        assert _check_counts(mapping, compiled.arguments(position), session.launch, turns) > 25


# -- rings and launches -----------------------------------------------------------------------------------


def test_a_buffer_of_dynamic_size_is_as_long_as_the_longest_row() -> None:
    program = compile_module(dynamic_rows(3, 50), TINY).mapping.netlist.units["again"].program
    assert isinstance(program, Pmu)
    assert (program.block_lines, program.blocks) == (13, 4)


def test_without_a_longest_row_it_is_the_whole_scratchpad() -> None:
    module = dynamic_rows(3, 50)
    complete = launches_of(module, TINY)
    compiled = compile_module(module, TINY, launches=replace(complete, complete=False))
    program = compiled.mapping.netlist.units["again"].program
    assert isinstance(program, Pmu)
    assert (program.block_lines, program.blocks) == (TINY.pmu_lines, 1)


def test_sizes_are_tried_from_the_largest_to_none() -> None:
    assert launches_of(dynamic_rows(3, 50), TINY) == Launches(({1: 13}, {1: 1}, {1: 0}))


def test_a_launch_that_cannot_end_with_any_buffers_decides_nothing() -> None:
    assert network_of(_lower(centred(3, 200), TINY), TINY, {}) is not None
    # The second load waits for a token that comes in later turns only, of which there are none.
    load = Agcu(kind=AgcuKind.LOAD, done_token=True, tells=When.LATER)
    units = {"first": Unit("first", load), "second": Unit("second", Agcu(kind=AgcuKind.LOAD, wait_token=True))}
    netlist = Netlist(units, (Net(Network.CONTROL, Pin("first"), (Pin("second"),)),))
    assert network_of(netlist, TINY, {}) is None
