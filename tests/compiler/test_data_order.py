"""Units in the order of the data."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from decoders import compile_decoder
from netlists import random_netlist

from weft.compiler.backend.data_order import data_order
from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.netlist.netlist import Net, Netlist, Pin, Unit
from weft.hw.presets import PRESETS
from weft.hw.program import Pcu
from weft.hw.topology import Network

MODEL = Path(__file__).resolve().parents[2] / "models" / "weft-tiny"


def netlist(*ways: str) -> Netlist:
    """A unit for each letter, and a net from each letter of a way to the next."""
    units = {letter: Unit(letter, Pcu()) for letter in dict.fromkeys("".join(ways))}
    pairs = [(a, b) for way in ways for a, b in pairwise(way)]
    return Netlist(units, tuple(Net(Network.VECTOR, Pin(a), (Pin(b),)) for a, b in pairs))


@pytest.mark.parametrize(
    ("ways", "order"),
    [
        (("dcba",), "dcba"),
        (("wxc", "abc", "cd", "yd"), "wxabcyd"),  # y comes late, just before what it feeds
        (("abcde", "wc"), "abwcde"),
        (("abca", "xa", "cz"), "xabcz"),  # c leads back to a
        (("abca",), "bca"),
        (("ab", "cd"), "abcd"),
    ],
)
def test_each_unit_comes_after_what_feeds_it(ways: tuple[str, ...], order: str) -> None:
    assert "".join(data_order(netlist(*ways))) == order


@pytest.mark.parametrize("seed", range(5))
def test_every_unit_is_there_once(seed: int) -> None:
    program = random_netlist(seed, PRESETS["demo"])
    assert sorted(data_order(program)) == sorted(program.units)


def test_a_decoder_layer_reads_like_the_model() -> None:
    compiled = compile_decoder(read_checkpoint(MODEL).config, PRESETS["demo"])
    order = data_order(compiled.program.mapping.netlist)
    way = ["hidden", "norm", "qkv", "rotated", "score", "mixed", "attention", "o_proj", "attended", "mlp_norm", "gate"]
    assert [unit for unit in order if unit in way] == way
    assert order[order.index("down") - 2 : order.index("down")] == ["load_down", "down_weights_ahead"]
    assert order[-1] == "store_logits"
