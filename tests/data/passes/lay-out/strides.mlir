// Rows of 6 take two beats of 4 in a PMU: 8 words from row to row. Columns are read word by word, rows in beats.
// fabric: tiny
step.tensor @x : f32 [4, 6] input
step.tensor @y : f32 [6, 3] output
step.tensor @z : f32 [2, 6] output
%x = step.load @x : !step.stream<f32, [4, 6]>
%square = step.map mul %x, %x : !step.stream<f32, [4, 6]>
%block = step.bufferize %square rank 2 : !step.buffer<f32, [] of [4, 6]>
%y = step.streamify %block walk [1, 0] from [1, 0] : !step.stream<f32, [6, 3]>
step.store %y in @y
%z = step.streamify %block by [-3, 1] from [3, 0] : !step.stream<f32, [2, 6]>
step.store %z in @z
// ----
mapped.tensor @x {shape = array<i64: 4, 6>, format = "f32", role = "input"}
mapped.tensor @y {shape = array<i64: 6, 3>, format = "f32", role = "output"}
mapped.tensor @z {shape = array<i64: 2, 6>, format = "f32", role = "output"}
%x = mapped.linear_load @x : () -> !mapped.stream<vector, [4, 6]>
%square = mapped.map "mul" %x, %x : (!mapped.stream<vector, [4, 6]>, !mapped.stream<vector, [4, 6]>) -> !mapped.stream<vector, [4, 6]>
%0 = mapped.bufferize %square {rank = 2 : i64, first = 2 : i64, last = 8 : i64} : (!mapped.stream<vector, [4, 6]>) -> !mapped.buffer<vector, [] of [24]>
%y = mapped.streamify %0 {sizes = array<i64: 6, 3>, strides = array<i64: 1, 8>} : (!mapped.buffer<vector, [] of [24]>) -> !mapped.stream<scalar, [6, 3]>
%1 = mapped.bufferize %y {rank = 1 : i64} : (!mapped.stream<scalar, [6, 3]>) -> !mapped.buffer<scalar, [6] of [3]>
%y.row = mapped.streamify %1 : (!mapped.buffer<scalar, [6] of [3]>) -> !mapped.stream<vector, [6, 3]>
mapped.linear_store %y.row in @y : (!mapped.stream<vector, [6, 3]>) -> ()
%2 = mapped.bufferize %square {rank = 2 : i64} : (!mapped.stream<vector, [4, 6]>) -> !mapped.buffer<vector, [] of [4, 6]>
%z = mapped.streamify %2 {sizes = array<i64: 2, 6>, strides = array<i64: -24, 1>, offset = 24 : i64} : (!mapped.buffer<vector, [] of [4, 6]>) -> !mapped.stream<vector, [2, 6]>
mapped.linear_store %z in @z : (!mapped.stream<vector, [2, 6]>) -> ()
