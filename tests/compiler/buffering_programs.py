"""Programs whose streams part and meet again, for the tests of buffer sizing."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp

from compiler.step import parse_module

__all__ = ["centred", "centred_columns", "counted", "dynamic_rows"]


def centred(rows: int, elements: int) -> ModuleOp:
    """y = x - max(x), row by row: the maximum of a row comes after all of it, when its beats must still be there."""
    full, outer = f"!step.stream<vector, [{rows}, {elements}]>", f"!step.stream<scalar, [{rows}]>"
    return parse_module(f"""builtin.module {{
  step.tensor @x {{shape = array<i64: {rows}, {elements}>, format = "f32", role = "input", pad = -3.0e38 : f32}}
  step.tensor @y {{shape = array<i64: {rows}, {elements}>, format = "f32", role = "output"}}
  %x = step.linear_load @x : () -> {full}
  %top = step.accum "max" %x {{over = 1 : i64, keep = 0 : i64, init = -3.0e38 : f32}} : ({full}) -> {outer}
  %held = step.expand %top like %x : ({outer}, {full}) -> !step.stream<scalar, [{rows}, {elements}]>
  %y = step.map "sub" %x, %held : ({full}, !step.stream<scalar, [{rows}, {elements}]>) -> {full}
  step.linear_store %y in @y : ({full}) -> ()
}}""")


def centred_columns(rows: int, elements: int, blocks: int | None = None) -> ModuleOp:
    """y = x - sum(x), column by column: all rows must be kept, in a buffer that has room for ``blocks`` of them."""
    full, one = f"!step.stream<vector, [{rows}, {elements}]>", f"!step.stream<vector, [{elements}]>"
    held, again = f"!step.buffer<vector, [] of [{elements}]>", f"array<i64: {rows}, {elements}>"
    given = "" if blocks is None else f", blocks = {blocks} : i64"
    return parse_module(f"""builtin.module {{
  step.tensor @x {{shape = array<i64: {rows}, {elements}>, format = "f32", role = "input"}}
  step.tensor @y {{shape = array<i64: {rows}, {elements}>, format = "f32", role = "output"}}
  %x = step.linear_load @x : () -> {full}
  %sum = step.accum "add" %x {{over = 1 : i64, keep = 1 : i64, init = 0.0 : f32}} : ({full}) -> {one}
  %kept = step.bufferize %sum {{rank = 1 : i64}} : ({one}) -> {held}
  %sums = step.streamify %kept {{sizes = {again}, strides = array<i64: 0, 1>}} : ({held}) -> {full}
  %row = step.bufferize %x {{rank = 1 : i64{given}}} : ({full}) -> !step.buffer<vector, [{rows}] of [{elements}]>
  %again = step.streamify %row : (!step.buffer<vector, [{rows}] of [{elements}]>) -> {full}
  %y = step.map "sub" %again, %sums : ({full}, {full}) -> {full}
  step.linear_store %y in @y : ({full}) -> ()
}}""")


def counted(rows: int) -> ModuleOp:
    """The sum of all rows once for each row, at the token that the row has been read: the tokens come first."""
    full, one = f"!step.stream<vector, [{rows}, 4]>", "!step.stream<vector, [4]>"
    held, tokens = f"!step.buffer<vector, [{rows}] of [4]>", f"!step.stream<control, [{rows}]>"
    return parse_module(f"""builtin.module {{
  step.tensor @x {{shape = array<i64: {rows}, 4>, format = "f32", role = "input"}}
  step.tensor @y {{shape = array<i64: {rows}, 4>, format = "f32", role = "output"}}
  %x = step.linear_load @x : () -> {full}
  %row = step.bufferize %x {{rank = 1 : i64}} : ({full}) -> {held}
  %rows, %runs = step.streamify %row : ({held}) -> ({full}, {tokens})
  %sum = step.accum "add" %rows {{over = 1 : i64, keep = 1 : i64, init = 0.0 : f32}} : ({full}) -> {one}
  %kept = step.bufferize %sum {{rank = 1 : i64}} : ({one}) -> !step.buffer<vector, [] of [4]>
  %y = step.streamify %kept for %runs : (!step.buffer<vector, [] of [4]>, {tokens}) -> {full}
  step.linear_store %y in @y : ({full}) -> ()
}}""")


def dynamic_rows(rows: int, longest: int) -> ModuleOp:
    """Rows as long as argument 1 says (in beats), each kept and read twice."""
    full = f"!step.stream<vector, [{rows}, ?]>"
    return parse_module(f"""builtin.module {{
  step.tensor @x {{shape = array<i64: {rows}, {longest}>, format = "f32", role = "input"}}
  %x = step.linear_load @x {{size_args = array<i64: 0, 1>}} : () -> {full}
  %row = step.bufferize %x {{rank = 1 : i64}} : ({full}) -> !step.buffer<vector, [{rows}] of [?]>
  %again = step.streamify %row : (!step.buffer<vector, [{rows}] of [?]>) -> {full}
  step.sink %again : {full}
}}""")
