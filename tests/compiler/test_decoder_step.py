"""The decoder's logical programs: read back, shapes of their tensors, and what they mean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from decoders import compile_decoder
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint, read_checkpoint
from weft.compiler.checkpoints.llama_config import LlamaConfig
from weft.compiler.errors import WeftError
from weft.compiler.interpreter import compare, interpret
from weft.compiler.models.llama import decode_program, global_tensors, layer_tensors, mask_tensor, prefill_program
from weft.compiler.models.llama.unfused import head_operators, layer_operators
from weft.compiler.step import parse_program, print_program
from weft.compiler.step.check import check_program
from weft.compiler.step.tensor import Role, TensorOp
from weft.hw.presets import PRESETS
from weft.sim.decoder import DecoderSession
from weft.sim.functional.device import FunctionalDevice
from weft.sim.reference import Reference

Floats = NDArray[np.floating]

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "models" / "weft-tiny"
MODELS = [SHIPPED, *sorted(path for path in (ROOT / "tests" / "data" / "checkpoints").iterdir() if path.is_dir())]
DEMO = PRESETS["demo"]
ROOMY = DEMO.replace(rows=14)
CONFIG = read_checkpoint(SHIPPED).config
CONTEXT = 8
PROMPT = [3, 1, 4]

every_model = pytest.mark.parametrize("folder", MODELS, ids=lambda path: path.name)


def _programs(config: LlamaConfig) -> dict[str, ModuleOp]:
    return {
        "a position": decode_program(config, CONTEXT),
        "sequences": decode_program(config, CONTEXT, sequences=3),
        "tokens": decode_program(config, CONTEXT, tokens=4),
        "a prompt": prefill_program(config, CONTEXT, 3),
        **layer_operators(config, CONTEXT),
        **head_operators(config, CONTEXT),
    }


@every_model
def test_programs_keep_the_rules_of_the_language_and_read_back(folder: Path) -> None:
    for program in _programs(read_checkpoint(folder).config).values():
        check_program(program)
        text = print_program(program)
        assert print_program(parse_program(text)) == text


@every_model
def test_weights_have_the_declared_shapes(folder: Path) -> None:
    checkpoint = read_checkpoint(folder)
    program = decode_program(checkpoint.config, CONTEXT)
    declared = {op.label: op.sizes for op in program.ops if isinstance(op, TensorOp) and op.role is Role.WEIGHT}
    given = global_tensors(checkpoint, CONTEXT) | layer_tensors(checkpoint, 0)
    del given["embedding"]  # of the program that looks tokens up
    assert declared == {name: values.shape for name, values in given.items()}


def _arrays(checkpoint: LlamaCheckpoint, program: ModuleOp, **more: Floats) -> dict[str, Floats]:
    """All that a program is given: weights of all layers, and empty caches."""
    layers = [layer_tensors(checkpoint, layer) for layer in range(checkpoint.config.layers)]
    own = {name: np.stack([each[name] for each in layers]) for name in layers[0]}
    declared = {op.label for op in program.ops if isinstance(op, TensorOp)}
    return {
        name: values for name, values in (own | global_tensors(checkpoint, CONTEXT) | more).items() if name in declared
    }


def _one_layer(folder: Path) -> LlamaCheckpoint:
    """Bounds of the oracle grow from layer to layer; within one they say much."""
    checkpoint = read_checkpoint(folder)
    return replace(checkpoint, config=replace(checkpoint.config, layers=1))


def _near(found: Floats, expected: Floats) -> bool:
    return bool(np.abs(found - expected).max() <= 0.02 * np.abs(expected).max())


@every_model
def test_a_program_means_what_the_model_computes(folder: Path) -> None:
    """Token by token, and all rows of a prompt at once: the oracle against the reference, which knows no programs."""
    checkpoint = _one_layer(folder)
    reference, caches = Reference(checkpoint), {}
    program, certain = decode_program(checkpoint.config, CONTEXT), 0
    for position, token in enumerate(PROMPT):
        embedded = checkpoint.embedding[token].astype(np.float32)
        given = _arrays(checkpoint, program, embedded=embedded, **caches)
        meant = interpret(program, given, {"position": position}).outputs
        logits, judged = meant["logits"], meant["logits"].judged
        expected = reference.step(token)
        assert not judged.any() or _near(logits.value[judged], expected[judged])
        certain += int(judged.sum())
        caches = {name: meant[name].value for name in ("keys", "values")}
    assert certain >= 2 * checkpoint.config.vocab_size
    prefill = prefill_program(checkpoint.config, CONTEXT, len(PROMPT))
    given = _arrays(
        checkpoint,
        prefill,
        embedded_rows=checkpoint.embedding[PROMPT].astype(np.float32),
        mask=mask_tensor(checkpoint.config, CONTEXT, len(PROMPT)),
    )
    meant = interpret(prefill, given, {"position": 0}).outputs
    for name, rows in caches.items():
        assert np.abs(rows[:, :, : len(PROMPT)]).max() > 0
        assert _near(meant[name].value, rows)


@every_model
def test_a_device_computes_what_the_program_means(folder: Path) -> None:
    checkpoint = _one_layer(folder)
    compiled = compile_decoder(checkpoint.config, ROOMY, context=CONTEXT)
    device = FunctionalDevice(ROOMY, memory_bytes=compiled.memory_bytes)
    session = DecoderSession(compiled, checkpoint, ROOMY, device)
    program = compiled.program.program
    assert program is not None
    for position, token in enumerate(PROMPT):
        caches = session.caches(CONTEXT)
        given = _arrays(checkpoint, program, embedded=checkpoint.embedding[token].astype(np.float32), **caches)
        meant = interpret(program, given, {"position": position}).outputs
        found = {"logits": session.step(token), **session.caches(CONTEXT)}
        for name, expected in meant.items():
            verdict = compare(name, expected, found[name])
            assert verdict.agrees, verdict.sentence
            judged = expected.judged
            largest = np.abs(expected.value[judged]).max(initial=0)
            assert np.all(np.abs(found[name] - expected.value)[judged] <= 1e-3 * largest)


@pytest.mark.parametrize("context", [0, -1, 257])
def test_a_context_that_is_not_the_models_is_not_compiled(context: int) -> None:
    with pytest.raises(WeftError, match=f"context must be 1 to max_position_embeddings = 256, not {context}$"):
        compile_decoder(CONFIG, DEMO, context=context)
