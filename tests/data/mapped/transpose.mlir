// Transposed matrices, a vector beat a cycle like any read: three small ones, and one whose rows take several beats.
builtin.module {
  mapped.tensor @x {shape = array<i64: 3, 10, 3>, format = "f32", role = "input"}
  mapped.tensor @w {shape = array<i64: 8, 16>, format = "f32", role = "input"}
  mapped.tensor @y {shape = array<i64: 3, 3, 10>, format = "f32", role = "output"}
  mapped.tensor @v {shape = array<i64: 16, 8>, format = "f32", role = "output"}
  %x = mapped.linear_load @x : () -> !mapped.stream<vector, [3, 10, 3]>
  %small = mapped.bufferize %x {rank = 2 : i64} : (!mapped.stream<vector, [3, 10, 3]>) -> !mapped.buffer<vector, [3] of [10, 3]>
  %y = mapped.streamify %small {transposed} : (!mapped.buffer<vector, [3] of [10, 3]>) -> !mapped.stream<vector, [3, 3, 10]>
  mapped.linear_store %y in @y : (!mapped.stream<vector, [3, 3, 10]>) -> ()
  %w = mapped.linear_load @w : () -> !mapped.stream<vector, [8, 16]>
  %wide = mapped.bufferize %w {rank = 2 : i64} : (!mapped.stream<vector, [8, 16]>) -> !mapped.buffer<vector, [] of [8, 16]>
  %v = mapped.streamify %wide {transposed} : (!mapped.buffer<vector, [] of [8, 16]>) -> !mapped.stream<vector, [16, 8]>
  mapped.linear_store %v in @v : (!mapped.stream<vector, [16, 8]>) -> ()
}
