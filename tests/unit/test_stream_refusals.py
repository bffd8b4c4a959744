# amaranth: UnusedElaboratable=no
"""Parameters and connections that streams refuse, each with its sentence."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Module, unsigned
from amaranth.lib import data, stream

from weft.hw.stream.connect import connect_streams
from weft.hw.stream.credit import CreditGate
from weft.hw.stream.fork import EagerFork
from weft.hw.stream.join import Join
from weft.hw.stream.merge import Merge
from weft.hw.stream.queue import Queue

LAYOUT = data.StructLayout({"data": unsigned(12), "stop": unsigned(3)})


def test_connect_refuses_another_shape_of_the_same_width():
    other = data.StructLayout({"data": unsigned(3), "stop": unsigned(12)})
    a, b = stream.Signature(LAYOUT).create(), stream.Signature(other).flip().create()
    with pytest.raises(TypeError, match=r"^consumer must have the payload shape of its producer, StructLayout"):
        connect_streams(Module(), producer=a, consumer=b)


def test_connect_refuses_a_consumer_that_may_not_take():
    a = stream.Signature(LAYOUT, always_ready=True).create()
    with pytest.raises(ValueError, match=r"^consumer must be always ready as its producer expects"):
        connect_streams(Module(), producer=a, consumer=stream.Signature(LAYOUT).create())


def test_connect_refuses_a_producer_that_may_not_offer():
    b = stream.Signature(LAYOUT, always_valid=True).create()
    with pytest.raises(ValueError, match=r"^producer must be always valid as its consumer expects"):
        connect_streams(Module(), producer=stream.Signature(LAYOUT).create(), consumer=b)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: EagerFork(layout=LAYOUT, outputs=0), "outputs must be at least 1, not 0"),
        (lambda: Join(layouts={}), "layouts must name at least one input, not none"),
        (lambda: Join(layouts={"o": 1}), "layouts must not name an input 'o', which is the output"),
        (lambda: Merge(layout=LAYOUT, inputs=1), "inputs must be at least 2, not 1"),
        (lambda: Merge(layout=data.StructLayout({"x": 1}), inputs=2), "layout must have a field 'stop', not .*"),
        (lambda: CreditGate(layout=LAYOUT, credits=0), "credits must be at least 1, not 0"),
    ],
)
def test_bad_parameters_are_refused(make: Any, sentence: str):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        make()


@pytest.mark.parametrize(
    ("depth", "error", "sentence"),
    [
        (0, ValueError, "depth must be at least 1, not 0"),
        (-3, ValueError, "depth must be at least 1, not -3"),
        (2.0, TypeError, "depth must be an integer, not 2.0"),
    ],
)
def test_bad_depth_is_refused(depth: Any, error: type[Exception], sentence: str):
    with pytest.raises(error, match=f"^{sentence}$"):
        Queue(layout=LAYOUT, depth=depth)


def test_empty_layout_is_refused():
    with pytest.raises(ValueError, match="layout must be at least 1 bit wide, not unsigned"):
        Queue(layout=unsigned(0), depth=2)
