"""Examples and a decoder spread over shards, each with its memory channel: they mean what they mean on one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from checkpoint_cases import SHIPPED
from example_programs import EXAMPLES, SIZES, inputs_of

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.compile import CompiledProgram, compile_program
from weft.compiler.interpreter import compare, interpret
from weft.compiler.models.llama.decoder_program import compile_decoder
from weft.compiler.passes.sharding import Spread
from weft.compiler.step import parse_program
from weft.hw.presets import PRESETS
from weft.sim.compare import compare_launches
from weft.sim.decoder import DecoderSession
from weft.sim.functional.device import FunctionalDevice
from weft.sim.generate import ComparedDecoder, Generation, generate
from weft.sim.program_run import run_compiled
from weft.sim.reference import Reference
from weft.sim.rtl.device import RtlDevice

SPEC = PRESETS["demo"].replace(rows=14, columns=10, channels=4)
MEMORY = 1 << 18
SHARDED = (
    "batched_matmul",
    "clamp",
    "convolution",
    "elementwise",
    "layer_norm",
    "masked_sum",
    "matmul",
    "outer_product",
    "quantised_matmul",
    "rms_norm",
    "softmax",
    "softmax_dynamic",
    "stencil",
    "store_and_load",
    "swiglu",
    "transpose",
)
"""What the simulated fabric has the AGCUs for, with four shards or, where there are many tensors, with two."""
SHARDS = {"quantised_matmul": 2}


@cache
def compiled(name: str, shards: int) -> CompiledProgram:
    program = parse_program((EXAMPLES / f"{name}.mlir").read_text(), name)
    return compile_program(program, SPEC, spread=Spread(shards))


def check(name: str, shards: int, outputs: dict[str, np.ndarray]) -> None:
    program = compiled(name, shards).program
    assert program is not None
    meant = interpret(program, inputs_of(name), SIZES.get(name, {}), shards=shards)
    for output, values in outputs.items():
        verdict = compare(output, meant.outputs[output], values)
        assert verdict.agrees, verdict.sentence


@pytest.mark.parametrize("shards", [2, 4])
@pytest.mark.parametrize("name", SHARDED)
def test_shards_keep_the_meaning(name: str, shards: int) -> None:
    shards = SHARDS.get(name, shards)
    device = FunctionalDevice(SPEC, memory_bytes=MEMORY)
    outputs, _ = run_compiled(compiled(name, shards), SPEC, device, inputs_of(name), SIZES.get(name, {}))
    check(name, shards, outputs)


@pytest.fixture(scope="module")
def chip() -> Iterator[RtlDevice]:
    with RtlDevice(SPEC, memory_bytes=MEMORY, stalls=5, count=False) as device:
        yield device


@pytest.mark.parametrize("name", SHARDED)
def test_rtl_equals_functional_bit_for_bit(chip: RtlDevice, name: str) -> None:
    inputs, sizes, program = inputs_of(name), SIZES.get(name, {}), compiled(name, SHARDS.get(name, 4))
    golden = FunctionalDevice(SPEC, memory_bytes=MEMORY)
    expected, launch = run_compiled(program, SPEC, golden, inputs, sizes)
    actual, on_rtl = run_compiled(program, SPEC, chip, inputs, sizes)
    for output, values in expected.items():
        np.testing.assert_array_equal(values.view(np.uint32), actual[output].view(np.uint32))
    result = compare_launches(launch, on_rtl)
    assert result.compared > 0
    assert result.mismatches == 0, result.first
    check(name, SHARDS.get(name, 4), actual)


def test_each_shard_has_a_channel_of_its_own() -> None:
    """Whatever a tensor's accesses are, they lie on its channel, and shards of one tensor on different ones."""
    program = compiled("matmul", 4)
    channels = {name: region.channel for name, region in program.regions.items()}
    assert [channels[f"w_{shard}"] for shard in range(4)] == [0, 1, 2, 3]
    units = program.mapping.netlist.units
    assert {units[f"load_{name}"].channel for name in channels if f"load_{name}" in units} == {0, 1, 2, 3}


def test_one_channel_does_not_reach_the_memory_of_another() -> None:
    """All shards of the result lie at one address, and each channel holds its own there."""
    program = compiled("elementwise", 4)
    device = FunctionalDevice(SPEC, memory_bytes=MEMORY)
    run_compiled(program, SPEC, device, inputs_of("elementwise"), {})
    regions = [program.regions[f"y_{shard}"] for shard in range(4)]
    (base,) = {region.base for region in regions}
    held = [device.memory.reshape(4, MEMORY)[region.channel, base : base + region.size].tobytes() for region in regions]
    assert len(set(held)) == 4
    assert all(map(any, held))


def test_a_decoder_of_shards_says_the_same_and_nothing_of_it_leaves_the_chip() -> None:
    checkpoint, spec = read_checkpoint(SHIPPED), SPEC.replace(rows=16, channels=2)
    compiled = compile_decoder(checkpoint.config, spec, prefill=True, spread=Spread(2))
    result, expected = Generation(), Generation()
    decoder = ComparedDecoder(compiled, checkpoint, spec, result)
    ours = list(generate(decoder.step, list(b"And God "), 16, result, prefill=decoder.prefill))
    assert ours == list(generate(Reference(checkpoint).step, list(b"And God "), 16, expected))
    assert result.prefilled > 0
    assert result.offchip["activations"] == 0


def test_bundled_loads_bring_the_same_on_fewer_agcus() -> None:
    """Where two shards load and store more than there are AGCUs, weights share some: on RTL, stalled, bit for bit."""
    checkpoint, wide = read_checkpoint(SHIPPED), SPEC.replace(rows=14, columns=10, channels=2, agcu_parts=3)
    narrow = wide.replace(rows=11, columns=13)
    apart, bundled = (compile_decoder(checkpoint.config, spec, spread=Spread(2)) for spec in (wide, narrow))
    of_loads = [
        {name for name in each.program.mapping.netlist.units if name.startswith("load_")} for each in (apart, bundled)
    ]
    assert not any("+" in name for name in of_loads[0])
    assert of_loads[0] - of_loads[1] == {
        f"load_{name}_{shard}" for name in ("qkv", "o_proj", "gate", "up", "down") for shard in range(2)
    }
    bundles = [("qkv", "o_proj", "gate"), ("up", "down")]
    assert of_loads[1] - of_loads[0] == {
        "load_" + "+".join(f"{name}_{shard}" for name in bundle) for shard in range(2) for bundle in bundles
    }

    golden, launches = FunctionalDevice(narrow, memory_bytes=bundled.memory_bytes), []
    with RtlDevice(narrow, memory_bytes=bundled.memory_bytes, stalls=7, count=False) as chip:
        for device in (golden, chip):
            session = DecoderSession(bundled, checkpoint, narrow, device)
            tokens = [int(np.argmax(session.step(token))) for token in b"An"]
            launches.append((tokens, session.launch))
    reference = Reference(checkpoint)
    ours = [int(np.argmax(reference.step(token))) for token in b"An"]
    assert [tokens for tokens, _ in launches] == [ours, ours]
    compared = compare_launches(launches[0][1], launches[1][1])
    assert compared.compared > 0
    assert compared.mismatches == 0, compared.first
