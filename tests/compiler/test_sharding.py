"""The sharding pass on random programs and decoders: what it writes means the same, by the oracle."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from choices import Seeded
from random_programs import RandomProgram, random_program
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.compile import compile_program
from weft.compiler.errors import WeftError
from weft.compiler.interpreter import compare, interpret
from weft.compiler.models.llama.decoder_program import compile_decoder
from weft.compiler.models.llama.program import decode_program
from weft.compiler.passes.sharding import Shard, Spread
from weft.compiler.passes.sharding.placement import Cut, cuts_of
from weft.compiler.step import parse_program, print_program
from weft.compiler.step.check import check_program
from weft.compiler.step.tensor import TensorOp
from weft.hw.presets import PRESETS
from weft.hw.program import Accumulate, Pcu
from weft.sim.functional.device import FunctionalDevice
from weft.sim.program_run import run_compiled
from weft.sim.run import memory_needed

DEMO = PRESETS["demo"]
SEEDS = 240
TINY = Path(__file__).parents[2] / "models" / "weft-tiny"


def sharded(program: ModuleOp, shards: int) -> ModuleOp | None:
    """The program of shards, checked as a user's is; None where nothing can be cut."""
    made = program.clone()
    try:
        Shard(Spread(shards)).apply(Context(), made)
    except WeftError:
        return None
    made.verify()
    check_program(made)
    return made


def differs(program: RandomProgram, shards: int) -> str | None:
    """What of the program of shards, which also reads back as it is printed, differs from the program."""
    module = parse_program(program.text)
    made = sharded(module, shards)
    if made is None:
        return None
    made = parse_program(print_program(made))
    meant = interpret(module, program.inputs, program.sizes, shards=shards).outputs
    found = interpret(made, program.inputs, program.sizes).outputs
    assert found.keys() == meant.keys()
    for name, value in meant.items():
        kind = np.int32 if value.element.value == "i32" else np.float32
        verdict = compare(name, value, found[name].value.astype(kind))
        if not verdict.agrees:
            return verdict.sentence
    return ""


def test_random_programs_of_shards_mean_the_same() -> None:
    counts: Counter[str] = Counter()
    for seed in range(SEEDS):
        program = random_program(Seeded(seed), DEMO.lanes)
        found = differs(program, 2 + seed % 4)
        counts["cut"] += found is not None
        assert not found, f"seed {seed}: {found}\n{program}\n{print_program(parse_program(program.text))}"
    assert counts["cut"] > SEEDS // 2


def test_a_device_computes_what_random_programs_of_shards_mean() -> None:
    spec, ran = DEMO.replace(rows=24, columns=14, channels=2, arguments=15), 0
    for seed in range(500, 540):
        program = random_program(Seeded(seed), spec.lanes)
        module = parse_program(program.text)
        try:
            compiled = compile_program(module, spec, sizes=program.sizes, spread=Spread(2))
        except WeftError:
            continue
        ran += 1
        device = FunctionalDevice(spec, memory_bytes=memory_needed(compiled))
        outputs, _ = run_compiled(compiled, spec, device, program.inputs, program.sizes)
        for name, value in interpret(module, program.inputs, program.sizes, shards=2).outputs.items():
            verdict = compare(name, value, outputs[name])
            assert verdict.agrees, f"seed {seed}: {verdict.sentence}"
    assert ran >= 20


def test_a_decoder_is_cut_as_megatron_does() -> None:
    """Heads side by side, sums after o_proj and down alone: nothing is put together again."""
    config = read_checkpoint(TINY).config
    made = sharded(decode_program(config, 32), 2)
    assert made is not None
    names = Counter(op.name for op in made.ops)
    assert names["step.concat"] == 0
    cuts = {op.shard.of: (op.shard.end, op.sizes) for op in made.ops if isinstance(op, TensorOp) and op.shard}
    assert {"qkv", "o_proj", "gate", "up", "down", "lm_head", "keys", "values", "logits"} == set(cuts)
    hidden, wide = config.hidden_size, config.intermediate_size
    assert [cuts[name][1] for name in ("gate", "up")] == [(hidden, wide // 2)] * 2
    assert cuts["down"][1] == (wide // 2, hidden)


@pytest.mark.parametrize(("shards", "faster"), [(2, 1.7), (4, 3.0)])
def test_a_decoder_of_shards_takes_fewer_cycles_as_predicted(shards: int, faster: float) -> None:
    from weft.compiler.timing import predict

    config = replace(read_checkpoint(TINY).config, layers=3)
    spec = DEMO.replace(rows=10 * shards, columns=10, channels=shards)
    one = compile_decoder(config, DEMO, context=64).program
    several = compile_decoder(config, spec, context=64, spread=Spread(shards)).program
    cycles = [predict(each.mapping, each.arguments({"position": 32})).cycles for each in (one, several)]
    assert cycles[1] * faster < cycles[0]


def test_bytes_of_a_token_are_even_over_the_channels() -> None:
    config = read_checkpoint(TINY).config
    spec = DEMO.replace(rows=24, columns=12, channels=4)
    compiled = compile_decoder(config, spec, spread=Spread(4))
    sizes: Counter[int] = Counter()
    for name, tensor in compiled.tensors.items():
        if tensor.role.value == "weight" and tensor.shard is not None:
            sizes[compiled.regions[name].channel] += compiled.regions[name].size
    assert len(sizes) == 4
    assert max(sizes.values()) <= 1.05 * min(sizes.values())


@pytest.mark.parametrize("shards", range(2, 10))
def test_terms_and_a_residual_are_added_three_in_a_pcu(shards: int) -> None:
    wide = 8 * shards
    program = parse_program(
        f"step.tensor @x : f32 [8] input\nstep.tensor @up : f32 [8, {wide}] weight\n"
        f"step.tensor @down : f32 [{wide}, 8] weight\nstep.tensor @y : f32 [8] output\n"
        "%x = step.load @x : !step.stream<f32, [8]>\n"
        f"%up = step.load @up : !step.stream<f32, [8, {wide}]>\n"
        f"%h = step.matmul %x, %up : !step.stream<f32, [{wide}]>\n"
        f"%down = step.load @down : !step.stream<f32, [{wide}, 8]>\n"
        "%y = step.matmul %h, %down : !step.stream<f32, [8]>\n"
        "%z = step.map add %y, %x : !step.stream<f32, [8]>\nstep.store %z in @y\n"
    )
    spec = DEMO.replace(rows=40, columns=10, channels=4)
    units = compile_program(program, spec, spread=Spread(shards)).mapping.netlist.units.values()
    programs = [unit.program for unit in units if isinstance(unit.program, Pcu)]
    sums = [each for each in programs if each.accumulate is Accumulate.OFF]
    assert (len(programs) - len(sums), len(sums)) == (2 * shards, (shards + 1) // 2)


def test_cuts_are_even_and_along_whole_blocks() -> None:
    found = cuts_of(1, 6, 4)
    assert Cut(1, (0, 1, 3, 4, 6)) in found
    assert Cut(1, (0, 2, 4, 6)) in found
    assert Cut(1, (0, 3, 6)) in found
    assert all(cut.bounds[0] == 0 and cut.bounds[-1] == 6 and min(cut.sizes) > 0 for cut in found)


def test_what_cannot_be_cut_is_refused_in_one_sentence() -> None:
    program = parse_program(
        "step.tensor @x : f32 [1] input\nstep.tensor @y : f32 [1] output\n"
        "%x = step.load @x : !step.stream<f32, [1]>\nstep.store %x in @y\n"
    )
    with pytest.raises(WeftError, match=r"^shards must be 1 for this program, not 4: "):
        compile_program(program, DEMO, spread=Spread(4))


# -- the compiler's choice ----------------------------------------------------------------------------------


def test_the_compiler_takes_the_fastest_spread_that_fits() -> None:
    config = replace(read_checkpoint(TINY).config, layers=1)
    large = compile_decoder(config, DEMO.replace(rows=14, columns=10, channels=2), context=64)
    assert large.choice is not None
    assert large.choice.chosen.spread.shards == 2
    cycles = [each.cycles for each in large.choice.candidates if each.cycles is not None]
    assert cycles == sorted(cycles)
    assert large.choice.chosen.cycles == cycles[0]


def test_a_fabric_that_holds_one_shard_works_and_says_why() -> None:
    config = replace(read_checkpoint(TINY).config, layers=1)
    small = compile_decoder(config, DEMO.replace(rows=9, channels=2), context=64)
    assert small.choice is not None
    assert small.choice.chosen.spread == Spread()
    refused = [each.refused for each in small.choice.candidates if each.spread == Spread(2)]
    assert refused == ["needs 28 AGCUs but fabric 'demo' has 18"]


def test_one_channel_leaves_no_choice() -> None:
    config = replace(read_checkpoint(TINY).config, layers=1)
    assert compile_decoder(config, DEMO, context=64).choice is None


@pytest.mark.parametrize("limit", [1, 2])
def test_a_plan_limits_the_shards_of_a_tensor(limit: int) -> None:
    config = replace(read_checkpoint(TINY).config, layers=1, heads=4, kv_heads=4)
    spec = DEMO.replace(rows=24, columns=10, channels=4)
    compiled = compile_decoder(config, spec, context=64, spread=Spread(4, {"keys": limit, "values": limit}))
    counts = Counter(each.shard.of for each in compiled.tensors.values() if each.shard is not None)
    assert (counts["keys"], counts["values"]) == ((limit, limit) if limit > 1 else (0, 0))
    assert [counts[name] for name in ("qkv", "o_proj", "gate", "down")] == [4] * 4


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{", "plan plan.json must be JSON, and is not"),
        ("[]", 'must have the fields "shards" and, if need be, "tensors", not no fields'),
        ('{"tensors": {}}', ", not tensors"),
        ('{"shards": "4"}', "\"shards\" of plan plan.json must be a whole number, not '4'"),
        ('{"shards": true}', "must be a whole number, not True"),
        ('{"shards": 2, "tensors": null}', "must be an object of a number for each name, not None"),
        ('{"shards": 2, "tensors": {"w": 1.5}}', '"w" of plan plan.json must be a whole number, not 1.5'),
        ('{"shards": 0}', "shards must be 1 to 64, not 0"),
        ('{"shards": 4, "tensors": {"keys": 65}}', "shards of @keys must be 1 to 64, not 65"),
        ('{"shards": 4, "other": 1}', ", not shards, other"),
    ],
)
def test_a_broken_plan_is_told_in_one_sentence(text: str, rule: str) -> None:
    with pytest.raises(WeftError) as told:
        Spread.from_json(text, "plan.json")
    assert rule in str(told.value)
    assert "\n" not in str(told.value)


def test_a_plan_for_another_program_is_refused() -> None:
    program = decode_program(read_checkpoint(TINY).config, 32)
    with pytest.raises(WeftError, match=r"a plan must name tensors of the program, .*, not 'kees'"):
        compile_program(program, DEMO, spread=Spread(2, {"kees": 1}))
