// For each of a list of indices the dot product of that row of a table with a vector: random access off chip.
builtin.module {
  step.tensor @index {shape = array<i64: 7>, format = "i32", role = "input"}
  step.tensor @table {shape = array<i64: 12, 19>, format = "f32", role = "input"}
  step.tensor @v {shape = array<i64: 19>, format = "f32", role = "input"}
  step.tensor @y {shape = array<i64: 7>, format = "f32", role = "output"}
  %list = step.linear_load @index : () -> !step.stream<vector, [7]>
  %kept = step.bufferize %list {rank = 1 : i64} : (!step.stream<vector, [7]>) -> !step.buffer<vector, [] of [7]>
  %index = step.streamify %kept : (!step.buffer<vector, [] of [7]>) -> !step.stream<scalar, [7]>
  %rows = step.random_load %index of @table : (!step.stream<scalar, [7]>) -> !step.stream<vector, [7, 19]>
  %v = step.linear_load @v {dims = array<i64: -1, 0>} : () -> !step.stream<vector, [7, 19]>
  %terms = step.map "mul" %rows, %v : (!step.stream<vector, [7, 19]>, !step.stream<vector, [7, 19]>) -> !step.stream<vector, [7, 19]>
  %dots = step.accum "add" %terms {over = 1 : i64, keep = 0 : i64, init = 0.0 : f32} : (!step.stream<vector, [7, 19]>) -> !step.stream<scalar, [7]>
  %all = step.bufferize %dots {rank = 1 : i64} : (!step.stream<scalar, [7]>) -> !step.buffer<scalar, [] of [7]>
  %y = step.streamify %all : (!step.buffer<scalar, [] of [7]>) -> !step.stream<vector, [7]>
  step.linear_store %y in @y : (!step.stream<vector, [7]>) -> ()
}
