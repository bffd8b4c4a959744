// Transposed matrices, a vector beat a cycle like any read: three small ones, and one whose rows take several beats.
builtin.module {
  step.tensor @x {shape = array<i64: 3, 10, 3>, format = "f32", role = "input"}
  step.tensor @w {shape = array<i64: 8, 16>, format = "f32", role = "input"}
  step.tensor @y {shape = array<i64: 3, 3, 10>, format = "f32", role = "output"}
  step.tensor @v {shape = array<i64: 16, 8>, format = "f32", role = "output"}
  %x = step.linear_load @x : () -> !step.stream<vector, [3, 10, 3]>
  %small = step.bufferize %x {rank = 2 : i64} : (!step.stream<vector, [3, 10, 3]>) -> !step.buffer<vector, [3] of [10, 3]>
  %y = step.streamify %small {transposed} : (!step.buffer<vector, [3] of [10, 3]>) -> !step.stream<vector, [3, 3, 10]>
  step.linear_store %y in @y : (!step.stream<vector, [3, 3, 10]>) -> ()
  %w = step.linear_load @w : () -> !step.stream<vector, [8, 16]>
  %wide = step.bufferize %w {rank = 2 : i64} : (!step.stream<vector, [8, 16]>) -> !step.buffer<vector, [] of [8, 16]>
  %v = step.streamify %wide {transposed} : (!step.buffer<vector, [] of [8, 16]>) -> !step.stream<vector, [16, 8]>
  step.linear_store %v in @v : (!step.stream<vector, [16, 8]>) -> ()
}
