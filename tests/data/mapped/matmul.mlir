// y = x @ w, row by row: w [24, 20] in bf16 streams once for each row of x, whose elements are held for a row of w.
builtin.module {
  mapped.tensor @x {shape = array<i64: 5, 24>, format = "f32", role = "input"}
  mapped.tensor @w {shape = array<i64: 24, 20>, format = "bf16x2", role = "input"}
  mapped.tensor @y {shape = array<i64: 5, 20>, format = "f32", role = "output"}
  %rows = mapped.linear_load @x : () -> !mapped.stream<vector, [5, 24]>
  %block = mapped.bufferize %rows {rank = 1 : i64} : (!mapped.stream<vector, [5, 24]>) -> !mapped.buffer<vector, [5] of [24]>
  %x = mapped.streamify %block : (!mapped.buffer<vector, [5] of [24]>) -> !mapped.stream<scalar, [5, 24]>
  %packed = mapped.linear_load @w {dims = array<i64: -1, 0, 1>} : () -> !mapped.stream<packed, [5, 24, 20]>
  %w = mapped.unpack %packed : (!mapped.stream<packed, [5, 24, 20]>) -> !mapped.stream<vector, [5, 24, 20]>
  %held = mapped.expand %x like %w : (!mapped.stream<scalar, [5, 24]>, !mapped.stream<vector, [5, 24, 20]>) -> !mapped.stream<scalar, [5, 24, 20]>
  %terms = mapped.map "mul" %w, %held : (!mapped.stream<vector, [5, 24, 20]>, !mapped.stream<scalar, [5, 24, 20]>) -> !mapped.stream<vector, [5, 24, 20]>
  %y = mapped.accum "add" %terms {over = 1 : i64, keep = 1 : i64, init = 0.0 : f32} : (!mapped.stream<vector, [5, 24, 20]>) -> !mapped.stream<vector, [5, 20]>
  mapped.linear_store %y in @y : (!mapped.stream<vector, [5, 20]>) -> ()
}
