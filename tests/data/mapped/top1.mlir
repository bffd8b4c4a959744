// The largest element of each row and the first index it stands at: reduce to the maximum, then look again.
builtin.module {
  mapped.tensor @x {shape = array<i64: 4, 50>, format = "f32", role = "input", pad = -3.0e38 : f32}
  mapped.tensor @index {shape = array<i64: 4, 50>, format = "f32", role = "iota", pad = 1.0e9 : f32}
  mapped.tensor @top {shape = array<i64: 4>, format = "f32", role = "output"}
  mapped.tensor @place {shape = array<i64: 4>, format = "f32", role = "output"}
  %x = mapped.linear_load @x : () -> !mapped.stream<vector, [4, 50]>
  %index = mapped.linear_load @index : () -> !mapped.stream<vector, [4, 50]>
  %max = mapped.accum "max" %x {over = 1 : i64, keep = 0 : i64, init = -3.0e38 : f32} : (!mapped.stream<vector, [4, 50]>) -> !mapped.stream<scalar, [4]>
  %row = mapped.bufferize %x {rank = 1 : i64} : (!mapped.stream<vector, [4, 50]>) -> !mapped.buffer<vector, [4] of [50]>
  %again = mapped.streamify %row : (!mapped.buffer<vector, [4] of [50]>) -> !mapped.stream<vector, [4, 50]>
  %held = mapped.expand %max like %again : (!mapped.stream<scalar, [4]>, !mapped.stream<vector, [4, 50]>) -> !mapped.stream<scalar, [4, 50]>
  %same = mapped.map "eq" %again, %held : (!mapped.stream<vector, [4, 50]>, !mapped.stream<scalar, [4, 50]>) -> !mapped.stream<vector, [4, 50]>
  %found = mapped.map "select" %same, %index {const = 1.0e9 : f32} : (!mapped.stream<vector, [4, 50]>, !mapped.stream<vector, [4, 50]>) -> !mapped.stream<vector, [4, 50]>
  %first = mapped.accum "min" %found {over = 1 : i64, keep = 0 : i64, init = 1.0e9 : f32} : (!mapped.stream<vector, [4, 50]>) -> !mapped.stream<scalar, [4]>
  %tops = mapped.bufferize %max {rank = 1 : i64} : (!mapped.stream<scalar, [4]>) -> !mapped.buffer<scalar, [] of [4]>
  %top = mapped.streamify %tops : (!mapped.buffer<scalar, [] of [4]>) -> !mapped.stream<vector, [4]>
  mapped.linear_store %top in @top : (!mapped.stream<vector, [4]>) -> ()
  %places = mapped.bufferize %first {rank = 1 : i64} : (!mapped.stream<scalar, [4]>) -> !mapped.buffer<scalar, [] of [4]>
  %place = mapped.streamify %places : (!mapped.buffer<scalar, [] of [4]>) -> !mapped.stream<vector, [4]>
  mapped.linear_store %place in @place : (!mapped.stream<vector, [4]>) -> ()
}
