// Rows and columns of whole vectors: a PMU exchanges them at full rate.
// fabric: tiny
step.tensor @x : f32 [8, 4] input
step.tensor @y : f32 [4, 8] output
%x = step.load @x : !step.stream<f32, [8, 4]>
%block = step.bufferize %x rank 2 : !step.buffer<f32, [] of [8, 4]>
%y = step.streamify %block walk [1, 0] : !step.stream<f32, [4, 8]>
step.store %y in @y
// ----
mapped.tensor @x {shape = array<i64: 8, 4>, format = "f32", role = "input"}
mapped.tensor @y {shape = array<i64: 4, 8>, format = "f32", role = "output"}
%x = mapped.linear_load @x : () -> !mapped.stream<vector, [8, 4]>
%0 = mapped.bufferize %x {rank = 2 : i64} : (!mapped.stream<vector, [8, 4]>) -> !mapped.buffer<vector, [] of [8, 4]>
%y = mapped.streamify %0 {transposed} : (!mapped.buffer<vector, [] of [8, 4]>) -> !mapped.stream<vector, [4, 8]>
mapped.linear_store %y in @y : (!mapped.stream<vector, [4, 8]>) -> ()
