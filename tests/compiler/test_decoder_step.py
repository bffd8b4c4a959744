"""The decoder's programs and tensors, on paper: read back, shapes, and what their loops and columns compute."""

from __future__ import annotations

from functools import cache
from itertools import product
from math import prod
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint, read_checkpoint
from weft.compiler.errors import WeftError
from weft.compiler.mapped import parse_module, print_module
from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.loop import Loop, loop_of, turns_of, when_of
from weft.compiler.mapped.offchip import LinearLoadOp, LinearStoreOp
from weft.compiler.mapped.onchip import AccumOp, stream
from weft.compiler.mapped.tensor import Role, TensorOp
from weft.compiler.mapped.types import DYNAMIC
from weft.compiler.models.llama import Argument, DecoderShapes, decoder_module, global_tensors, layer_tensors
from weft.compiler.models.llama.decoder_program import compile_decoder
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec

Floats = NDArray[np.floating]

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "models" / "weft-tiny"
MODELS = [SHIPPED, *sorted(path for path in (ROOT / "tests" / "data" / "checkpoints").iterdir() if path.is_dir())]
DEMO = PRESETS["demo"]
FABRICS = {
    "4 lanes": DEMO.replace(lanes=4, channel_bits=64),
    "8 lanes": DEMO,
    "16 lanes": DEMO.replace(lanes=16),
    "few accumulators": DEMO.replace(lanes=16, acc_depth=4),  # products take several passes
}
CONFIG = read_checkpoint(SHIPPED).config
CONTEXT = 16
POSITION = 11

every_model = pytest.mark.parametrize("folder", MODELS, ids=lambda path: path.name)
every_fabric = pytest.mark.parametrize("fabric", FABRICS.values(), ids=FABRICS.keys())


@cache
def _case(folder: Path, fabric: FabricSpec) -> tuple[LlamaCheckpoint, DecoderShapes]:
    checkpoint = read_checkpoint(folder)
    return checkpoint, DecoderShapes(checkpoint.config, fabric, CONTEXT)


def _tensors(module: ModuleOp, *roles: Role) -> dict[str, tuple[int, ...]]:
    tensors = [op for op in module.ops if isinstance(op, TensorOp) and Role(op.role.data) in roles]
    return {op.sym_name.data: op.sizes for op in tensors}


def _read(module: ModuleOp, hint: str) -> StreamifyOp:
    """The read whose result is called ``hint``."""
    (found,) = (op for op in module.ops if isinstance(op, StreamifyOp) and op.result.name_hint == hint)
    return found


def _walk(read: StreamifyOp, words: Floats) -> Floats:
    """What one run of a read gives from a buffer that holds ``words``, by its loops alone."""
    sizes = read.loops
    buffer = np.asarray(words).reshape(-1)
    strides = [prod(sizes[level + 1 :]) for level in range(len(sizes))]
    if read.strides is not None:
        strides = [int(stride) for stride in read.strides.get_values()]
    offset = 0 if read.offset is None else read.offset.value.data
    ranges = (range(size) for size in sizes)
    starts = [offset + sum(i * s for i, s in zip(index, strides, strict=True)) for index in product(*ranges)]
    assert min(starts) >= 0
    return buffer[starts].reshape(sizes)


def _multiply(vector: Floats, matrix: Floats) -> Floats:
    """A vector, filled up with zeros, times a matrix [rows, columns], or [groups, rows, columns of a group]."""
    vector = np.pad(vector, (0, matrix.shape[-2] - len(vector)))
    return np.matmul(vector[None, :], matrix).reshape(-1)


def _random(size: int, seed: int) -> Floats:
    return np.random.default_rng(seed).normal(size=size)


@every_fabric
@every_model
def test_programs_read_back(folder: Path, fabric: FabricSpec) -> None:
    _, shapes = _case(folder, fabric)
    text = print_module(decoder_module(shapes))
    assert print_module(parse_module(text)) == text


@every_fabric
@every_model
def test_weights_have_the_declared_shapes(folder: Path, fabric: FabricSpec) -> None:
    checkpoint, shapes = _case(folder, fabric)
    declared = _tensors(decoder_module(shapes), Role.WEIGHT)
    shared = {name: values.shape for name, values in global_tensors(checkpoint, shapes).items()}
    own = {name: values.shape for name, values in layer_tensors(checkpoint, shapes, 0).items()}
    assert declared == shared | own
    assert all(size % fabric.lanes == 0 for shape in own.values() for size in shape[-1:])


@every_fabric
@every_model
def test_nothing_but_zeros_fills_up(folder: Path, fabric: FabricSpec) -> None:
    checkpoint, shapes = _case(folder, fabric)
    config = checkpoint.config
    for layer in range(config.layers):
        own = layer_tensors(checkpoint, shapes, layer).values()
        given = checkpoint.layer(layer).values()
        assert sum(map(np.count_nonzero, own)) == sum(map(np.count_nonzero, given))
    tables = global_tensors(checkpoint, shapes)
    cos, sin = config.rotary.table(config.head_dim, CONTEXT)
    assert np.count_nonzero(tables["cos"]) == 2 * np.count_nonzero(cos)
    assert np.count_nonzero(tables["sin"]) == 2 * np.count_nonzero(sin)


@every_fabric
@every_model
def test_turned_heads_are_those_of_the_reference(folder: Path, fabric: FabricSpec) -> None:
    """Columns, loops and tables together give each query head's and each key head's rotary embedding."""
    checkpoint, shapes = _case(folder, fabric)
    config, module = checkpoint.config, decoder_module(shapes)
    weights, own = layer_tensors(checkpoint, shapes, 0), checkpoint.layer(0)
    tables = global_tensors(checkpoint, shapes)
    normal = _random(config.hidden_size, 5)

    columns = _multiply(normal, weights["qkv"]) + weights.get("qkv_bias", 0.0)
    heads, swapped = (_walk(_read(module, hint), columns) for hint in ("heads", "heads_swapped"))
    cos, sin = (_walk(_read(module, name), tables[name][POSITION]) for name in ("cos", "sin"))
    turned = (heads * cos + swapped * sin).reshape(config.kv_heads, config.group + 1, shapes.key)
    scores = np.einsum("kgd,kd->kg", turned[:, :-1], turned[:, -1])
    values = columns[shapes.rotated :].reshape(config.kv_heads, shapes.value)

    def project(name: str) -> Floats:
        plain = own[f"self_attn.{name}_proj.weight"].astype(np.float64) @ normal
        return (plain + own.get(f"self_attn.{name}_proj.bias", 0.0)).reshape(-1, config.head_dim)

    def rotate(rows: Floats) -> Floats:
        pairs = rows[:, : config.head_dim // 2] + 1j * rows[:, config.head_dim // 2 :]
        pairs = pairs * np.exp(1j * POSITION * config.rotary.frequencies(config.head_dim))
        return np.concatenate([pairs.real, pairs.imag], axis=1)

    query, key = rotate(project("q")), rotate(project("k"))
    half, real = shapes.half, config.head_dim // 2
    used = np.r_[0:real, half : half + real]
    np.testing.assert_allclose(turned[:, :-1].reshape(config.heads, -1)[:, used], query, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(turned[:, -1][:, used], key, rtol=1e-5, atol=1e-5)
    expected = np.einsum("kgd,kd->kg", query.reshape(config.kv_heads, config.group, -1), key)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(values[:, : config.head_dim], project("v"), rtol=1e-5, atol=1e-5)


@every_fabric
@every_model
def test_kept_parts_are_a_groups_queries_its_key_and_the_values(folder: Path, fabric: FabricSpec) -> None:
    """Which beats the buffers keep, and that their read ends where the kept part does."""
    _, shapes = _case(folder, fabric)
    module, group = decoder_module(shapes), shapes.config.group
    block = (group + 1) * shapes.key
    expected = {
        "heads": (0, shapes.rotated),
        "heads_swapped": (0, shapes.rotated),
        "queries": (0, group * shapes.key),
        "new_keys": (group * shapes.key, block),
        "new_values": (shapes.rotated, shapes.qkv),
    }
    for hint, (first, last) in expected.items():
        buffer = _read(module, hint).buffer.owner
        assert isinstance(buffer, BufferizeOp)
        begin = 0 if buffer.first is None else buffer.first.value.data
        total = prod(stream(buffer.value).dims[-buffer.rank.value.data :])
        end = total // fabric.lanes if buffer.last is None else buffer.last.value.data
        assert (begin * fabric.lanes, end * fabric.lanes) == (first, last), hint
        assert prod(buffer.result.type.inner) == last - first, hint


@every_fabric
@every_model
def test_output_projection_takes_the_mixed_values_in_order(folder: Path, fabric: FabricSpec) -> None:
    checkpoint, shapes = _case(folder, fabric)
    config = checkpoint.config
    mixed = _random(config.query_size, 6).reshape(config.heads, config.head_dim)
    # The buffer holds whole vectors for each head; a lane beyond the head must not matter.
    kept = np.full((config.heads, shapes.value), 1e6)
    kept[:, : config.head_dim] = mixed
    read = _read(decoder_module(shapes), "attention_scalars")
    scalars = _walk(read, kept)
    scalars = scalars.reshape(-1)[-shapes.mixed :]
    matrix = layer_tensors(checkpoint, shapes, 0)["o_proj"]
    expected = checkpoint.layer(0)["self_attn.o_proj.weight"].astype(np.float64) @ mixed.reshape(-1)
    np.testing.assert_allclose(_multiply(scalars, matrix)[: config.hidden_size], expected, rtol=1e-4, atol=1e-4)


@every_fabric
@every_model
def test_other_products_are_the_checkpoints(folder: Path, fabric: FabricSpec) -> None:
    checkpoint, shapes = _case(folder, fabric)
    config = checkpoint.config
    weights = layer_tensors(checkpoint, shapes, 0) | global_tensors(checkpoint, shapes)
    given = {name: checkpoint.layer(0)[f"mlp.{name}_proj.weight"] for name in ("gate", "up", "down")}
    for seed, (name, matrix) in enumerate({**given, "lm_head": checkpoint.head}.items()):
        vector = _random(matrix.shape[1], seed)
        result = _multiply(vector, weights[name])
        np.testing.assert_allclose(result[: len(matrix)], matrix.astype(np.float64) @ vector, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(result[len(matrix) :], 0.0)
    biases = {name for name in weights if name.endswith("_bias")}
    attention, mlp = {"qkv_bias", "o_proj_bias"}, {"gate_bias", "up_bias", "down_bias"}
    assert biases == (attention if config.attention_bias else set()) | (mlp if config.mlp_bias else set())


@every_fabric
@every_model
def test_accumulators_suffice(folder: Path, fabric: FabricSpec) -> None:
    """No accumulation keeps a row longer than the fabric has accumulators."""
    _, shapes = _case(folder, fabric)
    for op in decoder_module(shapes).ops:
        keep = op.keep.value.data if isinstance(op, AccumOp) else 0
        if isinstance(op, AccumOp) and keep:
            *outer, last = op.result.type.dims[-keep:]
            assert DYNAMIC not in (*outer, last)
            assert prod(outer) * -(-last // fabric.lanes) <= fabric.acc_depth, op.result.name_hint


def test_turns_and_launch_arguments_are_those_of_the_program() -> None:
    """There is one of a layer's own tensors for each turn; what moves with the position has an argument."""
    checkpoint, shapes = _case(SHIPPED, DEMO)
    module = decoder_module(shapes)
    assert turns_of(module) == CONFIG.layers
    each = {op.sym_name.data for op in module.ops if isinstance(op, TensorOp) and op.each is not None}
    assert each == layer_tensors(checkpoint, shapes, 0).keys() | {"keys", "values"}
    bases: dict[str, list[tuple[int, ...]]] = {}
    when: dict[str, set[str]] = {}
    sizes: set[int] = set()
    for op in module.ops:
        if isinstance(op, LinearLoadOp | LinearStoreOp):
            bases.setdefault(op.tensor.string_value(), []).append(op.bases())
            when.setdefault(when_of(op.when), set()).add(op.tensor.string_value())
        if isinstance(op, LinearLoadOp):
            sizes |= set(op.sizes()) - {0}
    assert sizes == {Argument.CONTEXT}
    assert bases.pop("cos") == bases.pop("sin") == [(Argument.ROTARY_ROW, 0)]
    assert bases.pop("keys") == [(Argument.KEY_ROW, 0), (0, 0)]
    assert bases.pop("values") == [(Argument.VALUE_ROW, 0), (0, 0)]
    assert set(map(tuple, bases.values())) == {((0, 0),)}
    assert when == {"every": each | {"cos", "sin"}, "first": {"embedded"}, "last": {"final_norm", "lm_head", "logits"}}


@given(st.integers(1, 400), st.sampled_from([4, 16, 64]))
def test_groups_are_the_fewest_that_fit(vectors: int, acc_depth: int) -> None:
    shapes = DecoderShapes(CONFIG, DEMO.replace(acc_depth=acc_depth), CONTEXT)
    fitting = [n for n in range(1, vectors + 1) if vectors % n == 0 and vectors // n <= acc_depth]
    assert shapes.groups(vectors * DEMO.lanes) == fitting[0]


@pytest.mark.parametrize(
    ("context", "fabric", "sentence"),
    [
        (0, DEMO, "context must be 1 to max_position_embeddings = 256, not 0"),
        (257, DEMO, "context must be 1 to max_position_embeddings = 256, not 257"),
        (129, DEMO.replace(pmu_lines=128), "scores of 129 positions need 129 lines .* set pmu_lines=256"),
        (1, DEMO.replace(acc_depth=2), "2 queries that share a key need 4 accumulators, .* set acc_depth=4"),
    ],
)
def test_sizes_beyond_the_fabric_are_refused(context: int, fabric: FabricSpec, sentence: str) -> None:
    with pytest.raises(WeftError, match=sentence):
        DecoderShapes(CONFIG, fabric, context)


@pytest.mark.parametrize("context", [0, -1, 257])
def test_a_context_that_is_not_the_models_is_not_compiled(context: int) -> None:
    with pytest.raises(WeftError, match=f"context must be 1 to max_position_embeddings = 256, not {context}$"):
        compile_decoder(CONFIG, DEMO, context=context)


def test_a_program_of_several_tokens_moves_on_with_its_rounds() -> None:
    """What a launch's arguments say of the first position holds for each, one further; nothing else moves."""
    _, shapes = _case(SHIPPED, DEMO)
    module = decoder_module(shapes, tokens=5)
    assert str(parse_module(print_module(module))) == str(module)
    assert loop_of(module) == Loop(CONFIG.layers, Argument.TOKENS)
    accesses = [op for op in module.ops if isinstance(op, LinearLoadOp | LinearStoreOp)]
    moving = {op.tensor.string_value() for op in accesses if op.moves() is not None}
    assert moving == {"keys", "values", "cos", "sin", "logits_rows", "tokens"}
    positions = {op.tensor.string_value() for op in accesses if Argument.CONTEXT not in op.bases() and any(op.bases())}
    assert positions == {"keys", "values", "cos", "sin"}
    for op in accesses:
        if isinstance(op, LinearLoadOp) and any(op.sizes()):
            assert op.grows is not None
            assert op.moves() is None
    assert {op.moves() for op in accesses if op.tensor.string_value() == "tokens"} == {(0, 0), (0, 1)}
