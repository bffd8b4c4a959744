// The first element of each row, by columns: with a third dimension that is no transposition. Of twelve beats the last
// one is not reached.
// fabric: tiny
step.tensor @x : f32 [2, 3, 8] input
step.tensor @y : f32 [3, 2] output
%x = step.load @x : !step.stream<f32, [2, 3, 8]>
%block = step.bufferize %x rank 3 : !step.buffer<f32, [] of [2, 3, 8]>
%y = step.streamify %block walk [1, 0] : !step.stream<f32, [3, 2]>
step.store %y in @y
// ----
mapped.tensor @x {shape = array<i64: 2, 3, 8>, format = "f32", role = "input"}
mapped.tensor @y {shape = array<i64: 3, 2>, format = "f32", role = "output"}
%x = mapped.linear_load @x : () -> !mapped.stream<vector, [2, 3, 8]>
%0 = mapped.bufferize %x {rank = 3 : i64, last = 11 : i64} : (!mapped.stream<vector, [2, 3, 8]>) -> !mapped.buffer<vector, [] of [44]>
%y = mapped.streamify %0 {sizes = array<i64: 3, 2>, strides = array<i64: 8, 24>} : (!mapped.buffer<vector, [] of [44]>) -> !mapped.stream<scalar, [3, 2]>
%1 = mapped.bufferize %y {rank = 1 : i64} : (!mapped.stream<scalar, [3, 2]>) -> !mapped.buffer<scalar, [3] of [2]>
%y.row = mapped.streamify %1 : (!mapped.buffer<scalar, [3] of [2]>) -> !mapped.stream<vector, [3, 2]>
mapped.linear_store %y.row in @y : (!mapped.stream<vector, [3, 2]>) -> ()
