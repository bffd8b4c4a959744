"""The performance model on whole programs: cycles that follow from the hardware's rules, phases and bounds."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from decoders import compile_decoder

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.compile import CompiledProgram, compile_module
from weft.compiler.errors import WeftError
from weft.compiler.mapped import parse_module
from weft.compiler.models.llama.decoder_program import CompiledDecoder
from weft.compiler.passes.sharding import Spread
from weft.compiler.timing import Bound, Change, Phase, Prediction, advise, lift, predict
from weft.compiler.timing.advice import changes_of
from weft.compiler.timing.bursts import bursts
from weft.compiler.timing.machine import Machine
from weft.compiler.timing.timing import LAUNCH, Memory
from weft.hw.chip.launcher import SETTLE_CYCLES
from weft.hw.presets import PRESETS
from weft.hw.program import Agcu, AgcuLevel
from weft.hw.program.firings.agcu import addresses_of
from weft.hw.spec import FabricSpec

ROOT = Path(__file__).parents[2]
TINY = PRESETS["tiny"]
DEMO = PRESETS["demo"]
CONFIG = read_checkpoint(ROOT / "models" / "weft-tiny").config


def copy(beats: int, spec: FabricSpec) -> CompiledProgram:
    """Load vectors and store them."""
    full = f"!mapped.stream<vector, [{beats * spec.lanes}]>"
    shape = f"array<i64: {beats * spec.lanes}>"
    return compile_module(
        parse_module(f"""builtin.module {{
  mapped.tensor @x {{shape = {shape}, format = "f32", role = "input"}}
  mapped.tensor @y {{shape = {shape}, format = "f32", role = "output"}}
  %x = mapped.linear_load @x : () -> {full}
  mapped.linear_store %x in @y : ({full}) -> ()
}}"""),
        spec,
    )


@pytest.mark.parametrize("latency", [1, 32, 200])
def test_a_copy_of_one_burst(latency: int) -> None:
    """Four vectors of four words over a channel of two: a burst of 8 channel beats each way."""
    program = copy(4, TINY)
    (route,) = program.mapping.routes
    stored = at_port_of_load(latency) + len(route.hops) + 1  # over the switches, out of the queue
    assert predict(program.mapping, {}, memory=Memory(latency=latency)).cycles == over(stored, latency)


def at_port_of_load(latency: int) -> int:
    """The cycle in which the last of four vectors leaves the AGCU that loads them."""
    runs = TINY.agcu_levels + 6
    opened = runs + 2  # the first address is in the coalescer
    granted = opened + 4 + 1  # four have joined, then it is closed and asked for
    first = granted + 1 + latency  # at memory
    return first + 7 + 4 + 1  # 4 cycles after its last part it is sent, and then at the port


def over(stored: int, latency: int) -> int:
    """The cycles of a launch in which the last of four vectors is taken by the storing AGCU in the cycle ``stored``."""
    written = stored + 2 + 1 + 2 + 7  # closed, granted, the last of 8 beats at memory
    answered = written + latency + 3
    return answered + 2 + 2  # at rest, and seen so


def test_a_copy_through_a_buffer() -> None:
    """A block's first vector leaves 6 cycles after its last one came, see ``weft.hw.pmu.pmu``; then one a cycle."""
    full, held = "!mapped.stream<vector, [16]>", "!mapped.buffer<vector, [] of [16]>"
    program = compile_module(
        parse_module(f"""builtin.module {{
  mapped.tensor @x {{shape = array<i64: 16>, format = "f32", role = "input"}}
  mapped.tensor @y {{shape = array<i64: 16>, format = "f32", role = "output"}}
  %x = mapped.linear_load @x : () -> {full}
  %kept = mapped.bufferize %x {{rank = 1 : i64}} : ({full}) -> {held}
  %again = mapped.streamify %kept : ({held}) -> {full}
  mapped.linear_store %again in @y : ({full}) -> ()
}}"""),
        TINY,
    )
    to_buffer, to_store = (len(route.hops) for route in program.mapping.routes)
    leaves = at_port_of_load(32) + to_buffer + 6 + 3
    assert predict(program.mapping, {}).cycles == over(leaves + to_store + 1, 32)


def test_a_long_copy_takes_as_long_as_its_beats() -> None:
    """A channel of half a vector's width moves each vector in two beats, twice."""
    beats = 480
    prediction = predict(copy(beats, TINY).mapping, {})
    assert 4 * beats <= prediction.cycles <= 1.15 * 4 * beats
    assert prediction.channel == pytest.approx(4 * beats / prediction.cycles)


def test_a_buffer_too_small_for_the_latency_limits_the_rate() -> None:
    """With ``agcu_buffer`` beats under way a load gets no more than so many in the time that one takes."""
    spec, beats, latency = TINY.replace(agcu_buffer=4, channel_bits=128), 400, 200
    cycles = predict(copy(beats, spec).mapping, {}, memory=Memory(latency=latency)).cycles
    assert cycles >= beats / 4 * latency
    assert cycles <= beats / 2 * (latency + 20)  # bursts are of half the buffer
    twice = predict(copy(beats, spec.replace(agcu_buffer=8)).mapping, {}, memory=Memory(latency=latency)).cycles
    assert twice == pytest.approx(cycles / 2, rel=0.05)


def test_bursts_join_neighbours_up_to_a_page() -> None:
    nest = Agcu(base=4096 - 3 * 16, levels=(AgcuLevel(10, 0, 16, 1), AgcuLevel(2, 0, 1024, 2)), turn_stride=16)
    assert addresses_of(nest, {}, 0, 20, TINY).tolist() == [
        4048 + 1024 * i + 16 * j for i in range(2) for j in range(10)
    ]
    # Three before the page ends, seven after it; of the second row eight, which is a longest one, and two.
    assert bursts(addresses_of(nest, {}, 0, 20, TINY), TINY) == [3, 7, 8, 2]
    assert bursts(addresses_of(nest, {}, 1, 20, TINY), TINY) == [2, 8, 8, 2]
    dynamic = Agcu(arg_a=1, levels=(AgcuLevel(9, 2, 16, 1),))
    assert addresses_of(dynamic, {1: 4, 2: 3}, 0, 3, TINY).tolist() == [64, 80, 96]
    assert bursts(np.zeros(0, np.int64), TINY) == []


def test_what_data_decide_has_no_time() -> None:
    program = compile_module(parse_module((ROOT / "tests" / "data" / "mapped" / "gather_dot.mlir").read_text()), DEMO)
    with pytest.raises(WeftError, match="'load_table' must not access by index to be timed"):
        predict(program.mapping, {})


def test_a_program_without_accesses_takes_as_long_as_an_empty_launch() -> None:
    program = compile_module(parse_module("builtin.module {}"), DEMO)
    assert predict(program.mapping, {}) == Prediction(cycles=SETTLE_CYCLES + LAUNCH, channel=0.0, phases=())


# -- decoders ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped() -> CompiledDecoder:
    return compile_decoder(CONFIG, DEMO)


@pytest.fixture(scope="module")
def prediction(shipped: CompiledDecoder) -> Prediction:
    return predict(shipped.program.mapping, shipped.arguments(60))


def phase(prediction: Prediction, name: str) -> Phase:
    return next(each for each in prediction.phases if each.name == name)


def test_phases_are_the_products_and_what_is_between(prediction: Prediction) -> None:
    names = [each.name for each in prediction.phases]
    for before, after in pairwise(["norm", "qkv", "attention", "o_proj", "down", "lm_head"]):
        assert names.index(before) < names.index(after)
    (both,) = [each for each in prediction.phases if {"gate", "up"} & set(each.units)]
    assert set(both.units) == {"gate", "up"}
    units = [unit for each in prediction.phases for unit in each.units]
    assert len(units) == len(set(units))


def test_phases_add_up(shipped: CompiledDecoder, prediction: Prediction) -> None:
    assert sum(each.cycles for each in prediction.phases) == prediction.cycles
    moved = sum(each.channel * each.cycles for each in prediction.phases)
    assert moved == pytest.approx(prediction.channel * prediction.cycles)
    machine = Machine(shipped.program.mapping, shipped.arguments(60), range(CONFIG.layers))
    machine.run()
    assert moved == pytest.approx(sum(beats for channel in machine.channels for _, beats in channel.moved))


def test_a_channel_of_half_the_width_bounds_the_products() -> None:
    """A packed vector comes in four beats of 64 bits, and a product takes it in a step."""
    compiled = compile_decoder(CONFIG, DEMO.replace(channel_bits=64))
    slow = predict(compiled.program.mapping, compiled.arguments(3))
    for name in ("qkv", "down"):
        assert phase(slow, name).bound is Bound.CHANNEL, name
    assert slow.channel > 0.95


def test_two_wide_channels_leave_the_products_to_their_pcus() -> None:
    """A beat of 256 bits is a packed vector, which a product takes in a step: two channels bring more than it takes."""
    compiled = compile_decoder(CONFIG, DEMO.replace(channels=2, channel_bits=256), spread=Spread())
    fast = predict(compiled.program.mapping, compiled.arguments(3))
    bounds = {each.busiest: each.bound for each in fast.phases}
    assert {bounds[name] for name in ("down", "lm_head")} == {Bound.ARITHMETIC}
    assert fast.channel < 0.6


def test_a_longer_context_makes_attention_longer_and_nothing_else(shipped: CompiledDecoder) -> None:
    """The others may become shorter, because more of their weights are there when they begin."""
    short, long = (predict(shipped.program.mapping, shipped.arguments(position)) for position in (3, 250))
    for before, after in zip(short.phases, long.phases, strict=True):
        assert before.name == after.name
        if before.name == "attention":
            assert after.cycles > 5 * before.cycles
        else:
            assert after.cycles <= 1.05 * before.cycles


def test_many_layers_are_counted_from_few() -> None:
    config = dataclasses.replace(CONFIG, layers=9)
    compiled = compile_decoder(config, DEMO)
    arguments = compiled.arguments(40)
    whole = Machine(compiled.program.mapping, arguments, range(9)).run()
    counted = predict(compiled.program.mapping, arguments)
    assert counted.cycles == pytest.approx(whole, rel=0.001)
    assert sum(each.cycles for each in counted.phases) == counted.cycles


# -- what lifts a bound -----------------------------------------------------------------------------------


def test_changes_keep_to_the_rules_of_a_spec() -> None:
    assert changes_of(DEMO, Memory(32)) == [("channel_bits", 256), ("fifo_depth", 8)]
    assert ("channels", 2) in changes_of(DEMO.replace(channel_bits=256), Memory(32))
    assert ("channel_window", 128) in changes_of(DEMO, Memory(100))
    assert ("agcu_buffer", 32) in changes_of(DEMO.replace(agcu_buffer=16), Memory(32))
    assert changes_of(DEMO.replace(channel_bits=256, channels=16, agcu_buffer=1024, fifo_depth=64), Memory(1)) == []


def test_advice_is_what_the_changed_fabric_does(shipped: CompiledDecoder, prediction: Prediction) -> None:
    tried = advise(shipped.program.mapping, shipped.arguments(60))
    assert [each.prediction.cycles for each in tried] == sorted(each.prediction.cycles for each in tried)
    (wide,) = [each for each in tried if each.field == "channel_bits"]
    compiled = compile_decoder(CONFIG, DEMO.replace(channel_bits=256))
    assert wide.prediction == predict(compiled.program.mapping, compiled.arguments(60))


def test_a_narrow_channel_is_lifted_by_a_wide_one() -> None:
    compiled = compile_decoder(CONFIG, DEMO.replace(channel_bits=32))
    mapping, arguments = compiled.program.mapping, compiled.arguments(3)
    narrow, tried = predict(mapping, arguments), advise(mapping, arguments)
    assert (tried[0].field, tried[0].value) == ("channel_bits", 64)
    assert tried[0].prediction.cycles == pytest.approx(narrow.cycles / 2, rel=0.05)
    assert lift(phase(narrow, "down"), tried).startswith("channel_bits=64 saves ")


def test_without_a_change_that_helps_the_bound_says_it() -> None:
    slow = Phase("down", ("down",), 100, 0.95, "down", 0.5)
    same = Change("agcu_buffer", 32, Prediction(100, 1.0, (slow,)))
    assert lift(slow, [same]).startswith("none of these")
    assert lift(dataclasses.replace(slow, busy=0.9), [same]).startswith("both a wider channel")
    assert "'down' on two PCUs" in lift(dataclasses.replace(slow, channel=0.5, busy=0.95), [same])
    assert "waits" in lift(dataclasses.replace(slow, channel=0.5), [])
    half = dataclasses.replace(same, prediction=Prediction(50, 1.0, (dataclasses.replace(slow, cycles=50),)))
    assert lift(slow, [same, half]) == "agcu_buffer=32 saves 50% of it"
