"""The logical language: texts parse back, and each rule has a sentence with the line that breaks it."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft.compiler.errors import WeftError
from weft.compiler.step import Dim, Element, StreamType, parse_program, print_program
from weft.compiler.step.accum import AccumOp, Reduction
from weft.compiler.step.operation import line_of

ROOT = Path(__file__).parents[2]
REFUSED = {"dyn_mismatch", "load_of_what_the_launch_stores", "mixed_rate", "two_stores_into_one_tensor"}
REFUSED |= {"words_of_the_user_in_base_args", "words_of_the_user_in_step_errors"}
TEXTS = [
    *sorted((ROOT / "examples").glob("*.mlir")),
    *sorted(each for each in (ROOT / "tests/data/programs").glob("*/*.mlir") if each.parent.name not in REFUSED),
]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_text_parses_back(path: Path) -> None:
    text = print_program(parse_program(path.read_text()))
    assert print_program(parse_program(text)) == text


BEGIN = """step.dimension @n <= 5
step.dimension @m <= 5
step.tensor @x : f32 [4, 6] input
step.tensor @i : i32 [4] input
step.tensor @q : int8 [6, 8] weight
step.tensor @y : f32 [4, 6] output
%x = step.load @x : !step.stream<f32, [4, 6]>
%b = step.bufferize %x rank 1 : !step.buffer<f32, [4] of [6]>
%i = step.load @i : !step.stream<i32, [4]>
"""
"""Nine lines: what is refused begins in the tenth."""

F = "!step.stream<f32, [4, 6]>"
RULES = [
    # declarations
    ("step.dimension @k <= 0", "line 10: step.dimension: @k must be at most something from 1 to 16777215, not 0"),
    ("step.tensor @n : f32 [4] input", "line 10: step.tensor: @n is declared twice"),
    ("step.tensor @t : f32 [n] input", r"line 10: .* shape of @t must be at least one size, all numbers, not \[n\]"),
    ("step.tensor @t : f32 [] input", r"shape of @t must be at least one size, .* not \[\]; step\.promote gives"),
    (
        "step.tensor @t : f32 [4] given",
        "line 10: step.tensor: role must be one of input, output, weight, cache, iota, not 'given'",
    ),
    (
        "step.tensor @t : f64 [4] input",
        "line 10: step.tensor: element type must be one of f32, bf16, i32, int8, mxfp4, not 'f64'",
    ),
    ("step.tensor @t : int8 [4, 4] output", r"@t of int8 must be an input or weight of two or three dimensions"),
    ("step.tensor @t : bf16 [4] iota", "iota @t must be f32 or i32, not bf16"),
    ("step.tensor @t : f32 [4] input each", "@t is one of each iteration, and there is no step.loop"),
    (
        "step.tensor @t : int8 [0, 8] weight",
        r"line 10: step.tensor: shape of @t of int8 must have sizes of at least 1, not \[0",
    ),
    (
        "step.tensor @t : int8 [32, 8] weight\n%y = step.load @t : !step.stream<int8, [16, 8]>",
        r"line 11: step.load \(%y\): @t of int8 must move as a whole, in order",
    ),
    ("step.loop 0", "line 10: step.loop: iterations must be 1 to 4095, not 0"),
    ("step.loop 2\nstep.loop 3", "line 11: step.loop: a program has at most one step.loop"),
    ("step.state @s : f32 [n]", "state must have sizes that are numbers of at least 1"),
    ("step.state @s : f32 [4, 6]", "@s must be kept once and recalled once, not 0 and 0 times"),
    ("step.state @s : f32 [4]\nstep.keep %x in @s", r"line 11: step.keep: @s holds .*\[4\]>, not .*\[4, 6\]>"),
    (
        f"step.state @s : f32 [4, 6]\n%r = step.recall @s initial %x : {F}\nstep.store %x in @y",
        "nothing else may take initial",
    ),
    ("%r = step.recall @s initial %x : " + F, r"step.recall \(%r\): @s must be declared by a step.state"),
    ("%k = step.size @k : !step.stream<i32, []>", "@k must be declared by a step.dimension"),
    # loads and stores
    (f"%y = step.load @z : {F}", r"line 10: step.load \(%y\): @z must be declared by a step.tensor"),
    ("%y = step.load @x : !step.stream<i32, [4, 6]>", "result must be f32, as @x is, not i32"),
    ("%y = step.load @x : !step.stream<f32, [4, 7]>", "dimension 1 of @x has 6, and the stream goes up to index 6"),
    ("%y = step.load @x from [1, 0] : " + F, "dimension 0 of @x has 4, and the stream goes up to index 4"),
    ("%y = step.load @x from [1] : " + F, "from must have 2 entries, one a dimension of @x, not 1"),
    ("%y = step.load @x walk [0] : " + F, "walk must have 2 entries, one a dimension of the stream, not 1"),
    ("%y = step.load @x by [1] : " + F, "by must have 2 entries, one a dimension of the stream, not 1"),
    ("%y = step.load @x by [0, 1] : " + F, "by must not be 0; _ in walk repeats"),
    ("%y = step.load @x walk [0, 2] : " + F, "walk must be _ or below 2, the dimensions of @x, not 2"),
    ("%y = step.load @x : !step.stream<f32, [k, 6]>", "size 'k' must be declared: step.dimension @k <= ..."),
    ("%y = step.load @x from [k, 0] : !step.stream<f32, [1, 6]>", "size 'k' must be declared"),
    ("%q = step.load @q walk [1, 0] : !step.stream<int8, [8, 6]>", "@q of int8 must move as a whole, in order"),
    (f"%y = step.load @x after %i : {F}", "%i must be a token, not !step.stream<i32"),
    ("step.store %x in @x", "line 10: step.store: @x must be an output or cache to be stored to, not input"),
    ("step.store %i in @y walk [0]", "@y is f32, and what is stored i32: step.convert makes one the other"),
    ("step.store %x in @y walk [_, 0]", "a store must not repeat: walk has _, and @y would be stored to again"),
    ("step.store %b in @y", "%b must be a stream, not !step.buffer<f32, \\[4\\] of \\[6\\]>"),
    ("step.store %x in @y\nstep.store %x in @y", r"line 11: .* two stores of @y \(lines 10 and 11\) .* have no order"),
    (f"step.store %x in @y\n%z = step.load @y : {F}", r"line 11: .* a store and a load of @y \(lines 10 and 11\)"),
    (f"%z = step.load @y : {F}\nstep.store %z in @y", r"line 11: .* a load and a store of @y"),
    (
        "%w = step.load @x walk [0, 1, 1] : !step.stream<f32, [4, 3, 2]>\nstep.store %w in @y walk [0, 1, 1]",
        "line 11: step.store: a store must not repeat: along dimension 1 of @y its windows overlap",
    ),
    ("%r = step.random_load %x of @x : " + F, "index must be i32, not f32"),
    ("%r = step.random_load %i of @x : !step.stream<f32, [4, 5]>", r"the entries of @x must be f32 \[4, 6\], not f32"),
    ("%r = step.random_load %i of @q : !step.stream<int8, [4, 8]>", "@q of int8 must move as a whole"),
    ("step.random_store %x at %i in @x", "@x must be an output or cache to be stored to, not input"),
    # elementwise
    (
        f"%y = step.map div %x, %x : {F}",
        r"line 10: step.map \(%y\): function must be one of add, .*, not 'div'; div_approx is within 2",
    ),
    (f"%y = step.map add %x : {F}", r"line 10: step.map \(%y\): add takes 2 operands, not 1"),
    (f"%y = step.map add 1.0, 2.0 : {F}", r"step.map \(%y\): operands of add must be streams, and at most one number"),
    (f"%y = step.map add %x, 1 : {F}", "the number must be written with a point, as the operands are f32: 1.0"),
    ("%y = step.map add %i, 1.0 : !step.stream<i32, [4]>", "the number must be whole, as the operands are i32, not 1"),
    ("%y = step.map add %i, 5000000000 : !step.stream<i32, [4]>", "the number must fit 32 bits, not 5000000000"),
    (f"%y = step.map add %x, %i : {F}", r"operands of add must have the same sizes, not \[4, 6\] and \[4\]"),
    (
        "%y = step.map mul %i, %i : !step.stream<i32, [4]>",
        r"mul is not for i32; step\.convert to f32 is exact below 2\^24",
    ),
    ("%y = step.map add %x, 1.0 : !step.stream<i32, [4, 6]>", "result of add must be .*f32.*, not .*i32"),
    (f"%y = step.map select 1.0, %x, %x : {F}", "the first operand of select must be a stream"),
    (
        "%y = step.map select %i, %i, 1 : !step.stream<i32, [4]>",
        "the first operand of select must be f32, as comparison",
    ),
    (
        "%f = step.convert %i : !step.stream<f32, [4]>\n%y = step.map add %i, %f : !step.stream<i32, [4]>",
        "operands of add must be all i32 or none; step.convert makes",
    ),
    (f"%y = step.map exp %b : {F}", "%b must be a stream, not"),
    ("%y = step.convert %i : !step.stream<bf16, [4]>", "i32 becomes bf16 in two conversions"),
    ("%y = step.convert %x : !step.stream<int8, [4, 6]>", "f32 cannot be converted to int8"),
    (
        "%y = step.convert %x : !step.stream<bf16, [4]>",
        r"step.convert \(%y\): result must be .*\[4, 6\]>, not .*\[4\]>",
    ),
    # reductions
    (
        "%y = step.accum mul %x over [0] : " + F,
        r"line 10: step.accum \(%y\): reduction must be one of add, max, min, not 'mul'",
    ),
    (
        "%y = step.accum add %x over [-1] : " + F,
        r"line 10: step.accum \(%y\): dimensions count from 0, and -1 is below",
    ),
    (
        "%y = step.slice %x from [0, -1] : " + F,
        r"line 10: step.slice \(%y\): sizes and places are at least 0, and must",
    ),
    ("%y = step.accum add %x over [2] : " + F, r"over must be different dimensions below 2, in order, not \[2\]"),
    ("%y = step.accum add %x over [1] : " + F, r"step.accum \(%y\): result must be .*\[4\]>, not .*\[4, 6\]>"),
    ("%y = step.accum add %i over [0] from 1.0 : !step.stream<i32, []>", "from is for f32"),
    ("%y = step.scan add %x over [0, 1] : " + F, r"a scan goes along one dimension, not \[0, 1\]"),
    # shapes
    ("%y = step.flatten %x over [0] : " + F, r"over must be neighbouring dimensions below 2, at least two, not \[0\]"),
    ("%y = step.reshape %x : !step.stream<f32, [5, 5]>", r"keeps the number of elements: \[4, 6\] has 24, \[5, 5\] 25"),
    ("%y = step.reshape %x : !step.stream<bf16, [24]>", "result must be .*f32.*, not .*bf16"),
    ("%y = step.promote %x : " + F, r"result must be .*\[1, 4, 6\]>, not .*\[4, 6\]>"),
    ("%y = step.expand %x along [3] : !step.stream<f32, [4, 6, 2]>", r"along must be different dimensions below 3"),
    ("%y = step.expand %x along [0] : !step.stream<f32, [2, 4, 5]>", r"not new must be f32 \[4, 6\], not f32 \[4, 5\]"),
    ("%y = step.slice %x from [0, 3] : !step.stream<f32, [4, 4]>", "dimension 1 of the stream has 6, .* index 6"),
    ("%y = step.slice %x from [k, 0] : !step.stream<f32, [1, 6]>", "size 'k' must be declared"),
    ("%y = step.concat %x, %i over 0 : " + F, "parts must be alike but for dimension 0"),
    ("%y = step.concat %x, %x over 2 : " + F, "over must be a dimension of the streams, .* not 2"),
    ("%y = step.merge %x of %x, %x : " + F, r"step.merge \(%y\): result must be .*\[4, 6, 6\]"),
    ("%y = step.merge %x of %x, %x : !step.stream<f32, [4, 6, 6]>", "selector must be i32 of one dimension, not"),
    ("%y = step.merge %i of %x, %i : " + F, "merged streams must have rows alike"),
    (
        "%y = step.bufferize %x rank 3 : !step.buffer<f32, [] of [4, 6]>",
        r"step.bufferize \(%y\): rank must be 1 to 2, the str",
    ),
    ("%y = step.streamify %x : " + F, "%x must be a buffer, not !step.stream"),
    (
        "%y = step.streamify %b : !step.stream<f32, [3, 6]>",
        r"begin with the dimensions of the stream of buffers, \[4\]",
    ),
    ("%y = step.streamify %b : !step.stream<f32, [4, 7]>", "dimension 0 of the buffer has 6, .* index 6"),
    (
        "%q = step.load @q : !step.stream<int8, [6, 8]>\n%y = step.promote %q : !step.stream<int8, [1, 6, 8]>",
        "takes int8",
    ),
    # products
    ("%y = step.matmul %x, %x : " + F, r"operands must agree in k and .*, not \[4, 6\] and \[4, 6\]"),
    ("%y = step.matmul %x, %i : " + F, r"operands must be \[..., rows, k\] and \[..., k, columns\], or \[k\]"),
    # the rest
    (f"%y = step.map add %z, 1.0 : {F}", r"line 10: step.map \(%y\): %z must be defined before it is used"),
    (
        f"%ä = step.map add %x, 1.0 : {F}",
        r"line 10: step.map \(%ä\): a name must begin with a letter or digit, not 'ä'",
    ),
    (f"%y = step.div %x, %x : {F}", r"line 10: step.div \(%y\): step.div is not an operation of the language"),
    ("%y = step.load @x : f32", r"line 10: step.load \(%y\): result must be a stream, not f32"),
    ("%y = step.load @x : !step.stream<f32, [-4, 6]>", "line 10: .*sizes and places are at least 0"),
    (f"%y = step.map\n  exp %x bad {F}", r"line 11: step.map \(%y\): ':' must stand here, not 'bad'"),
    (f"%y = step.map exp %x : {F}\nbad", "line 11: bad is not an operation of the language"),
    (f"%y = step.map exp %x {F}", r"line 10: step.map \(%y\): ':' must stand here, not '!step.stream'"),
    (
        f"%y = step.map exp %x : {F[:-1]} // open",
        r"line 10: step.map \(%y\): '>' must stand here, not the end of the text",
    ),
    (
        "%y = step.map exp %x :\nstep.store %y in @y",
        r"line 10: step.map \(%y\): type must stand here, not the end of the l",
    ),
    (f"%y = step.map exp : {F}", r"line 10: step.map \(%y\): operand must stand here, not ':'"),
    (
        f"%x = step.map exp %x : {F}",
        r"line 10: step.map \(%x\): %x must be defined once, and an operation before defines it",
    ),
    (f"%y, %z = step.map exp %x : {F}", r"line 10: step.map \(%y, %z\): results are 1, and the text names 2"),
    ("%y = step.map exp %x : !step.steam<f32>", r"line 10: step.map \(%y\): !step.steam is not a type of the language"),
    ("step.store %x in y", "line 10: step.store: @ and a name must stand here, not 'y'"),
    (
        "step.dimension @k <= 99999999999999999999",
        "line 10: step.dimension: a number must fit 64 bits, and 9+ does not",
    ),
    ("step.store %x in @y }", "line 10: step.store: an operation must stand here, not '}'"),
    ("\0", r"line 10: a name, number or sign must stand here, not '\\x00'"),
    ("square\nstep.store %x in @y", "line 10: square is not an operation of the language"),
    # what MLIR has, and the language has not
    (
        '"step.tensor"() : () -> ()',
        r"line 10: step.tensor must be written in its own form, not as \"step.tensor\"\(...\)",
    ),
    ('%y = "step.map" %x', r"line 10: step.map must be written in its own form, not as \"step.map\"\(...\)"),
    ("builtin.module {\n}", "line 10: only operations of step are allowed, not builtin.module"),
    (
        "builtin.unrealized_conversion_cast",
        "line 10: builtin.unrealized_conversion_cast is not an operation of the lang",
    ),
    ("!alias = f32", "line 10: an operation must stand here, not '!alias'"),
    ("%y : step.load @x : " + F, r"line 10: '=' must stand here, not ':'"),
    (f"%y = step.map exp %x#1 : {F}", r"line 10: step.map \(%y\): ':' must stand here, not '#1'"),
    (
        "%y = step.load @x : !stream<f32, [4, 6]>\n",
        r"line 10: step.load \(%y\): !stream is not a type of the language: a result must be a !step.stream<...>, ",
    ),
    ("%y = step.load @x : !foo\nstep.store", r"line 10: step.load \(%y\): !foo is not a type of the language"),
    (
        "%y = step.load @x : tensor<",
        r"line 10: step.load \(%y\): tensor is not a type of the language: a result must be",
    ),
    ("%y = step.load @x : vector<[f32>", r"line 10: step.load \(%y\): vector is not a type of the language"),
    ('step.tensor @"\\FF" : f32 [4] input', "line 10: step.tensor: a name must be UTF-8 text"),
    # numbers
    (
        f"%y = step.map add %x, .5 : {F}",
        r"line 10: step.map \(%y\): a number must begin with a digit, not with a point",
    ),
    (
        f"%y = step.map add %x, 1e99 : {F}",
        r"line 10: step.map \(%y\): a number with an exponent must have a point, 1.0e99, not 1e99",
    ),
    (f"%y = step.map add %x, -1.0e99 : {F}", r"line 10: step.map \(%y\): a number must fit f32, and -1e\+99 does not"),
    (
        f"%y = step.map add %x, {'9' * 400}.0 : {F}",
        r"line 10: step.map \(%y\): a number must fit f32, and inf does not",
    ),
    ("step.loop " + "9" * 5000, "line 10: step.loop: a number must fit 64 bits"),
    ("%y = step.accum add %x over [1] from x : " + F, r"line 10: .* number must stand here, not 'x'"),
    # tokens
    (
        "%t = step.store %x in @y",
        r"line 10: step.store \(%t\): -> !step.token must stand at its end, as %t is to be its to",
    ),
    (
        "%t = step.random_store %x at %i in @y",
        r"line 10: step.random_store \(%t\): -> !step.token must stand at its end, as %t is",
    ),
    # what is left out at the end of a line
    (
        "step.tensor @t : f32 [4] // of what?\nstep.tensor @u : f32 [4] input",
        r"line 10: step.tensor: role \(one of input, .*, iota\) must stand here, not the end of the line",
    ),
    (
        "step.tensor @t :\nstep.tensor @u : f32 [4] input",
        r"line 10: step.tensor: element type \(one of f32, .*\) must stand here, not the end of the line",
    ),
    (
        "%y = step.map\nstep.store %x in @y",
        r"line 10: step.map \(%y\): function \(one of add, .*\) must stand here, not the end of the line",
    ),
    (
        "%y = step.accum\nstep.store %x in @y",
        r"line 10: step.accum \(%y\): reduction \(one of add, max, min\) must stand here, not the end of the line",
    ),
    ("step.store %x in @y", r"line 8: step.bufferize \(%b\): nothing takes %b: store it, or leave it out"),
]


@pytest.mark.parametrize(("text", "sentence"), RULES)
def test_a_broken_rule_is_told_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(WeftError, match=sentence) as caught:
        parse_program(BEGIN + text, "p.mlir")
    assert str(caught.value).startswith("p.mlir line ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["step.tensor @x : f32 [4] input", "builtin.module {\n}"])
def test_a_program_stores_something(text: str) -> None:
    with pytest.raises(WeftError, match=r"^p.mlir: the program must store something, and has no step.store$"):
        parse_program(text, "p.mlir")


def test_nothing_follows_a_module() -> None:
    with pytest.raises(WeftError, match=r"^p.mlir line 3: step.loop: nothing must follow the module$"):
        parse_program("builtin.module {\n}\nstep.loop 2", "p.mlir")


def test_stores_of_parts_that_are_apart_need_no_order() -> None:
    parse_program(
        """step.tensor @x : f32 [4, 6] input
        step.tensor @y : f32 [8, 12] output
        %x = step.load @x : !step.stream<f32, [4, 6]>
        step.store %x in @y
        step.store %x in @y from [4, 0]
        %w = step.load @x walk [0, 1, 1] : !step.stream<f32, [4, 2, 3]>
        step.store %w in @y walk [0, 1, 1] by [1, 3, 1] from [0, 6]"""
    )


def test_sizes_are_polynomials() -> None:
    n, m = Dim.of("n"), Dim.of("m")
    assert (n + m) * 2 == m * 2 + n * 2
    assert str(n * 4 + m * n + 1) == "m * n + 4 * n + 1"
    assert (n * 4 + m).at({"n": 3, "m": 2}) == 14
    assert (n + 1).number is None
    assert (Dim.of(3) * 2).number == 6
    text = "step.dimension @n <= 3\nstep.tensor @x : f32 [9] input\nstep.tensor @y : f32 [9] output\n"
    text += "%x = step.load @x : !step.stream<f32, [2 * n + 1]>\nstep.store %x in @y\n"
    assert "[2 * n + 1]" in print_program(parse_program(text))


def test_operations_know_their_lines_and_can_be_built() -> None:
    module = parse_program((ROOT / "examples" / "top1.mlir").read_text())
    lines = [line_of(operation) for operation in module.ops]
    assert lines == list(range(2, 2 + len(lines)))
    loaded = next(each for each in module.ops if each.results)
    operation = AccumOp(Reduction.MAX, loaded.results[0], [0])
    assert operation.result.type == StreamType.make(Element.F32, [50])
    assert line_of(operation) is None
