// The largest element of each row and the first index it stands at: reduce to the maximum, then look again.
builtin.module {
  step.tensor @x {shape = array<i64: 4, 50>, format = "f32", role = "input", pad = -3.0e38 : f32}
  step.tensor @index {shape = array<i64: 4, 50>, format = "f32", role = "iota", pad = 1.0e9 : f32}
  step.tensor @top {shape = array<i64: 4>, format = "f32", role = "output"}
  step.tensor @place {shape = array<i64: 4>, format = "f32", role = "output"}
  %x = step.linear_load @x : () -> !step.stream<vector, [4, 50]>
  %index = step.linear_load @index : () -> !step.stream<vector, [4, 50]>
  %max = step.accum "max" %x {over = 1 : i64, keep = 0 : i64, init = -3.0e38 : f32} : (!step.stream<vector, [4, 50]>) -> !step.stream<scalar, [4]>
  %row = step.bufferize %x {rank = 1 : i64} : (!step.stream<vector, [4, 50]>) -> !step.buffer<vector, [4] of [50]>
  %again = step.streamify %row : (!step.buffer<vector, [4] of [50]>) -> !step.stream<vector, [4, 50]>
  %held = step.expand %max like %again : (!step.stream<scalar, [4]>, !step.stream<vector, [4, 50]>) -> !step.stream<scalar, [4, 50]>
  %same = step.map "eq" %again, %held : (!step.stream<vector, [4, 50]>, !step.stream<scalar, [4, 50]>) -> !step.stream<vector, [4, 50]>
  %found = step.map "select" %same, %index {const = 1.0e9 : f32} : (!step.stream<vector, [4, 50]>, !step.stream<vector, [4, 50]>) -> !step.stream<vector, [4, 50]>
  %first = step.accum "min" %found {over = 1 : i64, keep = 0 : i64, init = 1.0e9 : f32} : (!step.stream<vector, [4, 50]>) -> !step.stream<scalar, [4]>
  %tops = step.bufferize %max {rank = 1 : i64} : (!step.stream<scalar, [4]>) -> !step.buffer<scalar, [] of [4]>
  %top = step.streamify %tops : (!step.buffer<scalar, [] of [4]>) -> !step.stream<vector, [4]>
  step.linear_store %top in @top : (!step.stream<vector, [4]>) -> ()
  %places = step.bufferize %first {rank = 1 : i64} : (!step.stream<scalar, [4]>) -> !step.buffer<scalar, [] of [4]>
  %place = step.streamify %places : (!step.buffer<scalar, [] of [4]>) -> !step.stream<vector, [4]>
  step.linear_store %place in @place : (!step.stream<vector, [4]>) -> ()
}
