"""Programs whose streams part and meet again, for the tests of buffer sizing."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp

from weft.compiler.mapped import parse_module

__all__ = ["centred", "centred_columns", "centred_dynamic", "counted", "dynamic_rows"]


def centred(rows: int, elements: int) -> ModuleOp:
    """y = x - max(x), row by row: the maximum of a row comes after all of it, when its beats must still be there."""
    full, outer = f"!mapped.stream<vector, [{rows}, {elements}]>", f"!mapped.stream<scalar, [{rows}]>"
    return parse_module(f"""builtin.module {{
  mapped.tensor @x {{shape = array<i64: {rows}, {elements}>, format = "f32", role = "input", pad = -3.0e38 : f32}}
  mapped.tensor @y {{shape = array<i64: {rows}, {elements}>, format = "f32", role = "output"}}
  %x = mapped.linear_load @x : () -> {full}
  %top = mapped.accum "max" %x {{over = 1 : i64, keep = 0 : i64, init = -3.0e38 : f32}} : ({full}) -> {outer}
  %held = mapped.expand %top like %x : ({outer}, {full}) -> !mapped.stream<scalar, [{rows}, {elements}]>
  %y = mapped.map "sub" %x, %held : ({full}, !mapped.stream<scalar, [{rows}, {elements}]>) -> {full}
  mapped.linear_store %y in @y : ({full}) -> ()
}}""")


def centred_dynamic(rows: int, longest: int) -> ModuleOp:
    """The same with rows as long as argument 1 says, in beats."""
    full, held = (f"!mapped.stream<{kind}, [{rows}, ?]>" for kind in ("vector", "scalar"))
    outer, size = f"!mapped.stream<scalar, [{rows}]>", "{size_args = array<i64: 0, 1>}"
    return parse_module(f"""builtin.module {{
  mapped.tensor @x {{shape = array<i64: {rows}, {longest}>, format = "f32", role = "input", pad = -3.0e38 : f32}}
  mapped.tensor @y {{shape = array<i64: {rows}, {longest}>, format = "f32", role = "output"}}
  %x = mapped.linear_load @x {size} : () -> {full}
  %top = mapped.accum "max" %x {{over = 1 : i64, keep = 0 : i64, init = -3.0e38 : f32}} : ({full}) -> {outer}
  %held = mapped.expand %top like %x : ({outer}, {full}) -> {held}
  %y = mapped.map "sub" %x, %held : ({full}, {held}) -> {full}
  mapped.linear_store %y in @y {size} : ({full}) -> ()
}}""")


def centred_columns(rows: int, elements: int, blocks: int | None = None) -> ModuleOp:
    """y = x - sum(x), column by column: all rows must be kept, in a buffer that has room for ``blocks`` of them."""
    full, one = f"!mapped.stream<vector, [{rows}, {elements}]>", f"!mapped.stream<vector, [{elements}]>"
    held, again = f"!mapped.buffer<vector, [] of [{elements}]>", f"array<i64: {rows}, {elements}>"
    given = "" if blocks is None else f", blocks = {blocks} : i64"
    return parse_module(f"""builtin.module {{
  mapped.tensor @x {{shape = array<i64: {rows}, {elements}>, format = "f32", role = "input"}}
  mapped.tensor @y {{shape = array<i64: {rows}, {elements}>, format = "f32", role = "output"}}
  %x = mapped.linear_load @x : () -> {full}
  %sum = mapped.accum "add" %x {{over = 1 : i64, keep = 1 : i64, init = 0.0 : f32}} : ({full}) -> {one}
  %kept = mapped.bufferize %sum {{rank = 1 : i64}} : ({one}) -> {held}
  %sums = mapped.streamify %kept {{sizes = {again}, strides = array<i64: 0, 1>}} : ({held}) -> {full}
  %row = mapped.bufferize %x {{rank = 1 : i64{given}}} : ({full}) -> !mapped.buffer<vector, [{rows}] of [{elements}]>
  %again = mapped.streamify %row : (!mapped.buffer<vector, [{rows}] of [{elements}]>) -> {full}
  %y = mapped.map "sub" %again, %sums : ({full}, {full}) -> {full}
  mapped.linear_store %y in @y : ({full}) -> ()
}}""")


def counted(rows: int) -> ModuleOp:
    """The sum of all rows once for each row, at the token that the row has been read: the tokens come first."""
    full, one = f"!mapped.stream<vector, [{rows}, 4]>", "!mapped.stream<vector, [4]>"
    held, tokens = f"!mapped.buffer<vector, [{rows}] of [4]>", f"!mapped.stream<control, [{rows}]>"
    return parse_module(f"""builtin.module {{
  mapped.tensor @x {{shape = array<i64: {rows}, 4>, format = "f32", role = "input"}}
  mapped.tensor @y {{shape = array<i64: {rows}, 4>, format = "f32", role = "output"}}
  %x = mapped.linear_load @x : () -> {full}
  %row = mapped.bufferize %x {{rank = 1 : i64}} : ({full}) -> {held}
  %rows, %runs = mapped.streamify %row : ({held}) -> ({full}, {tokens})
  %sum = mapped.accum "add" %rows {{over = 1 : i64, keep = 1 : i64, init = 0.0 : f32}} : ({full}) -> {one}
  %kept = mapped.bufferize %sum {{rank = 1 : i64}} : ({one}) -> !mapped.buffer<vector, [] of [4]>
  %y = mapped.streamify %kept for %runs : (!mapped.buffer<vector, [] of [4]>, {tokens}) -> {full}
  mapped.linear_store %y in @y : ({full}) -> ()
}}""")


def dynamic_rows(rows: int, longest: int) -> ModuleOp:
    """Rows as long as argument 1 says (in beats), each kept and read twice."""
    full = f"!mapped.stream<vector, [{rows}, ?]>"
    return parse_module(f"""builtin.module {{
  mapped.tensor @x {{shape = array<i64: {rows}, {longest}>, format = "f32", role = "input"}}
  %x = mapped.linear_load @x {{size_args = array<i64: 0, 1>}} : () -> {full}
  %row = mapped.bufferize %x {{rank = 1 : i64}} : ({full}) -> !mapped.buffer<vector, [{rows}] of [?]>
  %again = mapped.streamify %row : (!mapped.buffer<vector, [{rows}] of [?]>) -> {full}
  mapped.sink %again : {full}
}}""")
