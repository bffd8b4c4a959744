"""Names in the mapped dialect that stand for members of enums: others are refused by a sentence that lists them."""

from __future__ import annotations

import pytest

from weft.compiler.errors import WeftError
from weft.compiler.mapped import parse_module
from weft.compiler.mapped.function import FUNCTIONS, operands_of
from weft.hw.numerics.ops import Conversion, Op, Special

STREAM, NUMBER = "!mapped.stream<vector, [8]>", "!mapped.stream<scalar, []>"
TEXT = f"""builtin.module {{
  mapped.size {{index = 1 : i64, of = #step.dims<[n]>, unit = "beats", per = 8 : i64}}
  mapped.tensor @x {{shape = array<i64: 8>, format = "f32", role = "input"}}
  mapped.tensor @y {{shape = array<i64: 8>, format = "f32", role = "output"}}
  %x = mapped.linear_load @x {{when = "first"}} : () -> {STREAM}
  %y = mapped.map "exp" %x : ({STREAM}) -> {STREAM}
  %s = mapped.accum "max" %y {{over = 1 : i64, keep = 0 : i64, init = 0.0 : f32}} : ({STREAM}) -> {NUMBER}
  mapped.linear_store %y in @y : ({STREAM}) -> ()
}}"""
WRONG = [
    ('format = "f32"', 'format = "f16"', "format must be one of f32, i32, bf16x2, int8, mxfp4, not 'f16'"),
    ('role = "input"', 'role = "inout"', "role must be one of input, output, .*, constant, not 'inout'"),
    ('role = "input"', "role = 1 : i64", "role must be one of .*, not 1 : i64"),
    ('when = "first"', 'when = "FIRST"', "when must be one of every, first, later, last, earlier, not 'FIRST'"),
    ('map "exp"', 'map "none"', "function must be one of pass, mul, .*, sigmoid, bf16, int32, float, not 'none'"),
    ('accum "max"', 'accum "mul"', "function must be one of add, max, min, iadd, imax, not 'mul'"),
    ('unit = "beats"', 'unit = "words"', "unit must be one of elements, beats, multiple, float, not 'words'"),
    ("stream<scalar", "stream<scalars", "program line 7: kind must be one of vector, packed, .*, not 'scalars'"),
]


@pytest.mark.parametrize(("right", "wrong", "sentence"), WRONG, ids=[wrong for _, wrong, _ in WRONG])
def test_a_wrong_name_is_told(right: str, wrong: str, sentence: str) -> None:
    with pytest.raises(WeftError, match=sentence):
        parse_module(TEXT.replace(right, wrong, 1))


def test_right_names_stand_as_they_are_written() -> None:
    text = str(parse_module(TEXT))
    assert str(parse_module(text)) == text
    assert all(right in text for right, _, _ in WRONG if right.startswith(("format", "role", "when", "unit")))


def test_functions_are_those_of_a_pcu() -> None:
    assert set(FUNCTIONS.members.values()) >= {*Op, Special.EXP, Conversion.TO_BF16}
    assert [operands_of(each) for each in (Op.PASS, Op.MUL, Op.ADD, Op.MULADD, Special.EXP)] == [
        "a", "ab", "ac", "abc", "a",
    ]  # fmt: skip
