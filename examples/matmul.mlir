// y = x @ w, row by row: w [24, 20] in bf16 streams once for each row of x, whose elements are held for a row of w.
builtin.module {
  step.tensor @x {shape = array<i64: 5, 24>, format = "f32", role = "input"}
  step.tensor @w {shape = array<i64: 24, 20>, format = "bf16x2", role = "input"}
  step.tensor @y {shape = array<i64: 5, 20>, format = "f32", role = "output"}
  %rows = step.linear_load @x : () -> !step.stream<vector, [5, 24]>
  %block = step.bufferize %rows {rank = 1 : i64} : (!step.stream<vector, [5, 24]>) -> !step.buffer<vector, [5] of [24]>
  %x = step.streamify %block : (!step.buffer<vector, [5] of [24]>) -> !step.stream<scalar, [5, 24]>
  %packed = step.linear_load @w {dims = array<i64: -1, 0, 1>} : () -> !step.stream<packed, [5, 24, 20]>
  %w = step.unpack %packed : (!step.stream<packed, [5, 24, 20]>) -> !step.stream<vector, [5, 24, 20]>
  %held = step.expand %x like %w : (!step.stream<scalar, [5, 24]>, !step.stream<vector, [5, 24, 20]>) -> !step.stream<scalar, [5, 24, 20]>
  %terms = step.map "mul" %w, %held : (!step.stream<vector, [5, 24, 20]>, !step.stream<scalar, [5, 24, 20]>) -> !step.stream<vector, [5, 24, 20]>
  %y = step.accum "add" %terms {over = 1 : i64, keep = 1 : i64, init = 0.0 : f32} : (!step.stream<vector, [5, 24, 20]>) -> !step.stream<vector, [5, 20]>
  step.linear_store %y in @y : (!step.stream<vector, [5, 20]>) -> ()
}
