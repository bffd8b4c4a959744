"""The decoder's graph: it computes what transformers computes, prints, parses back, and refuses what is unsound."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from compiler.checkpoint import LlamaCheckpoint, read_checkpoint
from compiler.decoder_graph import decoder_graph
from compiler.errors import WeftError
from compiler.graph import Graph, Node, Op
from compiler.graph_text import graph_from_text, graph_to_text

FOLDERS = sorted((Path(__file__).parents[1] / "data" / "checkpoints").glob("*/"))
Array = NDArray[Any]


class Interpreter:
    """Runs a graph node by node in float64, as the docstring of each `Op` says."""

    def __init__(self, graph: Graph, checkpoint: LlamaCheckpoint) -> None:
        self.graph, self.tensors = graph, checkpoint.tensors
        self.tables = checkpoint.config.rotary.table(checkpoint.config.head_dim, 64, np.float64)
        self.appended: dict[str, list[Array]] = {}
        self.position = 0

    def step(self, token: int) -> Array:
        values: dict[str, Any] = {"token": token}
        for node in self.graph.nodes:
            inputs = [values[name] for name in node.inputs]
            weights = [self.tensors[name].astype(np.float64) for name in node.weights]
            values[node.name] = self.compute(node, inputs, weights)
        self.position += 1
        return values[self.graph.nodes[-1].name]

    def compute(self, node: Node, inputs: list[Any], weights: list[Array]) -> Array:
        x = inputs[0]
        match node.op:
            case Op.EMBED:
                return weights[0][x]
            case Op.RMS_NORM:
                return weights[0] * x / np.sqrt(np.mean(x * x) + node.attribute("eps"))
            case Op.PROJECT:
                return (weights[0] @ x.ravel() + sum(weights[1:])).reshape(node.shape)
            case Op.ROTATE:
                turn = self.tables[0][self.position] + 1j * self.tables[1][self.position]
                half = x.shape[1] // 2
                turned = (x[:, :half] + 1j * x[:, half:]) * turn
                return np.concatenate([turned.real, turned.imag], axis=1)
            case Op.APPEND:
                self.appended.setdefault(node.name, []).append(x)
                return np.stack(self.appended[node.name])
            case Op.SCORES:
                keys = np.repeat(inputs[1], x.shape[0] // inputs[1].shape[1], axis=1)
                return np.einsum("hd,phd->hp", x, keys) * node.attribute("scale")
            case Op.SOFTMAX:
                return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
            case Op.MIX:
                rows = np.repeat(inputs[1], x.shape[0] // inputs[1].shape[1], axis=1)
                return np.einsum("hp,phd->hd", x, rows)
            case Op.SILU:
                return x / (1 + np.exp(-x))
            case Op.MULTIPLY:
                return x * inputs[1]
            case Op.ADD:
                return x + inputs[1]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_computes_what_transformers_computes(folder: Path) -> None:
    checkpoint, expected = read_checkpoint(folder), np.load(folder / "expected.npz")
    interpreter = Interpreter(decoder_graph(checkpoint.config), checkpoint)
    for token, logits in zip(expected["ids"], expected["logits"], strict=True):
        np.testing.assert_allclose(interpreter.step(token), logits, rtol=0, atol=1e-5 * np.abs(logits).max())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_text_parses_back(folder: Path) -> None:
    graph = decoder_graph(read_checkpoint(folder).config)
    assert graph_from_text(graph_to_text(graph)) == graph


def test_text_reads_as_documented() -> None:
    graph = decoder_graph(read_checkpoint(FOLDERS[0]).config)
    lines = graph_to_text(graph).splitlines()
    assert FOLDERS[0].name == "all-biases"
    assert "weight model.embed_tokens.weight [83, 36]" in lines
    assert "hidden [36] = embed token using model.embed_tokens.weight" in lines
    names = "model.layers.1.self_attn.q_proj.weight, model.layers.1.self_attn.q_proj.bias"
    assert f"layers.1.query [6, 6] = project layers.1.attention_normed using {names}" in lines
    assert "layers.0.shares [6, positions] = softmax layers.0.scores" in lines
    assert lines[-1] == "logits [83] = project normed using model.embed_tokens.weight"


@pytest.mark.parametrize("line", ["", "weight x", "y [2] = frobnicate token", "y [2] = embed", "y = embed token"])
def test_text_that_is_no_graph(line: str) -> None:
    with pytest.raises(WeftError, match="line 2 of the graph must be a weight or a node, not"):
        graph_from_text(f"weight w [2, 2]\n{line}\n")


GOOD = {
    "x": "x [4] = embed token using table",
    "q": "q [2, 2] = project x using square, bias",
    "n": "n [4] = rms_norm x using bias with eps=0.1",
    "r": "r [2, 2] = rotate q",
    "k": "k [positions, 2, 2] = append r",
    "s": "s [2, positions] = scores r, k with scale=0.5",
    "p": "p [2, positions] = softmax s",
    "m": "m [2, 2] = mix p, k",
    "a": "a [2, 2] = add m, q",
}
WEIGHTS = "weight table [9, 4]\nweight square [4, 4]\nweight bias [4]\n"


def test_small_graph_is_sound() -> None:
    assert len(graph_from_text(WEIGHTS + "\n".join(GOOD.values())).nodes) == 9


@pytest.mark.parametrize(
    ("name", "line", "sentence"),
    [
        ("q", "x [4] = silu x", "node 'x' must have a name of its own"),
        ("q", "q [2, 2] = project z using square", "'q' must not use input 'z' before it is defined"),
        ("q", "q [2, 2] = project x using oval", "'q' must not use weight 'oval' before it is defined"),
        ("a", "a [2, 2] = add m", "'a': add takes 2 inputs, not 1"),
        ("x", "x [9] = embed token using table", r"'x': embed does not take \[\] to \[9\]"),
        ("q", "q [2, 3] = project x using square", r"'q': project does not take \[4\] to \[2, 3\]"),
        ("q", "q [2, 2] = project x using square, table", "'q': project does not take"),
        ("n", "n [2, 2] = rms_norm x using bias", "'n': rms_norm does not take"),
        ("r", "r [4] = rotate x", "'r': rotate does not take"),
        ("k", "k [2, 2] = append r", "'k': append does not take"),
        ("s", "s [positions, 2] = scores r, k", "'s': scores does not take"),
        ("p", "p [2, 2] = softmax s", "'p': softmax does not take"),
        ("m", "m [positions, 2] = mix p, k", "'m': mix does not take"),
        ("a", "a [4] = add m, x", "'a': add does not take"),
        ("a", "a [2, 2] = add m, x", "'a': add does not take"),
        ("r", "t [4, 1] = project x using square\nr [4, 1] = rotate t", "'r': rotate does not take"),
        ("s", "t [4, 1] = project x using square\ns [4, positions] = scores t, k", "'s': scores does not take"),
        ("m", "m [2, 2] = mix q, k", "'m': mix does not take"),
    ],
)
def test_unsound_graph_is_refused(name: str, line: str, sentence: str) -> None:
    with pytest.raises(WeftError, match=sentence):
        graph_from_text(WEIGHTS + "\n".join((GOOD | {name: line}).values()))


def test_tied_head_reuses_the_embedding() -> None:
    config = replace(read_checkpoint(FOLDERS[0]).config, tie_word_embeddings=False)
    assert decoder_graph(config).nodes[-1].weights == ("lm_head.weight",)
