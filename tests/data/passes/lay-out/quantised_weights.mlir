// Numbers of the row come one by one, and weights as memory holds them.
// fabric: tiny stages=4 scalar_inputs=4
step.tensor @x : f32 [32] input
step.tensor @w : mxfp4 [32, 8] weight
step.tensor @y : f32 [8] output
%x = step.load @x : !step.stream<f32, [32]>
%w = step.load @w : !step.stream<mxfp4, [32, 8]>
%y = step.matmul %x, %w : !step.stream<f32, [8]>
step.store %y in @y
// ----
mapped.tensor @x {shape = array<i64: 32>, format = "f32", role = "input"}
mapped.tensor @w {shape = array<i64: 32, 8>, format = "mxfp4", role = "weight"}
mapped.tensor @y {shape = array<i64: 8>, format = "f32", role = "output"}
%x = mapped.linear_load @x : () -> !mapped.stream<vector, [32]>
%w = mapped.linear_load @w : () -> !mapped.stream<mxfp4, [32, 8]>
%0 = mapped.bufferize %x {rank = 1 : i64} : (!mapped.stream<vector, [32]>) -> !mapped.buffer<vector, [] of [32]>
%x.numbers = mapped.streamify %0 : (!mapped.buffer<vector, [] of [32]>) -> !mapped.stream<scalar, [32]>
%y = mapped.product %x.numbers times %w : (!mapped.stream<mxfp4, [32, 8]>, !mapped.stream<scalar, [32]>) -> !mapped.stream<vector, [8]>
mapped.linear_store %y in @y : (!mapped.stream<vector, [8]>) -> ()
