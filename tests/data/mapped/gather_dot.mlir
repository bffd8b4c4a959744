// For each of a list of indices the dot product of that row of a table with a vector: random access off chip.
builtin.module {
  mapped.tensor @index {shape = array<i64: 7>, format = "i32", role = "input"}
  mapped.tensor @table {shape = array<i64: 12, 19>, format = "f32", role = "input"}
  mapped.tensor @v {shape = array<i64: 19>, format = "f32", role = "input"}
  mapped.tensor @y {shape = array<i64: 7>, format = "f32", role = "output"}
  %list = mapped.linear_load @index : () -> !mapped.stream<vector, [7]>
  %kept = mapped.bufferize %list {rank = 1 : i64} : (!mapped.stream<vector, [7]>) -> !mapped.buffer<vector, [] of [7]>
  %index = mapped.streamify %kept : (!mapped.buffer<vector, [] of [7]>) -> !mapped.stream<scalar, [7]>
  %rows = mapped.random_load %index of @table : (!mapped.stream<scalar, [7]>) -> !mapped.stream<vector, [7, 19]>
  %v = mapped.linear_load @v {dims = array<i64: -1, 0>} : () -> !mapped.stream<vector, [7, 19]>
  %terms = mapped.map "mul" %rows, %v : (!mapped.stream<vector, [7, 19]>, !mapped.stream<vector, [7, 19]>) -> !mapped.stream<vector, [7, 19]>
  %dots = mapped.accum "add" %terms {over = 1 : i64, keep = 0 : i64, init = 0.0 : f32} : (!mapped.stream<vector, [7, 19]>) -> !mapped.stream<scalar, [7]>
  %all = mapped.bufferize %dots {rank = 1 : i64} : (!mapped.stream<scalar, [7]>) -> !mapped.buffer<scalar, [] of [7]>
  %y = mapped.streamify %all : (!mapped.buffer<scalar, [] of [7]>) -> !mapped.stream<vector, [7]>
  mapped.linear_store %y in @y : (!mapped.stream<vector, [7]>) -> ()
}
