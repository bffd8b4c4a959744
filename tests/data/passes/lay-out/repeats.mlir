// What repeats in a row is one number that a PCU holds; what repeats outside comes out of a buffer again (stride 0).
// fabric: tiny
step.tensor @x : f32 [3, 8] input
step.tensor @y : f32 [3, 8] output
step.tensor @z : f32 [2, 3, 8] output
%x = step.load @x : !step.stream<f32, [3, 8]>
%top = step.accum max %x over [1] : !step.stream<f32, [3]>
%tops = step.expand %top along [1] : !step.stream<f32, [3, 8]>
%y = step.map sub %x, %tops : !step.stream<f32, [3, 8]>
step.store %y in @y
%z = step.expand %y along [0] : !step.stream<f32, [2, 3, 8]>
step.store %z in @z
// ----
mapped.tensor @x {shape = array<i64: 3, 8>, format = "f32", role = "input"}
mapped.tensor @y {shape = array<i64: 3, 8>, format = "f32", role = "output"}
mapped.tensor @z {shape = array<i64: 2, 3, 8>, format = "f32", role = "output"}
%x = mapped.linear_load @x : () -> !mapped.stream<vector, [3, 8]>
%top = mapped.accum "max" %x {over = 1 : i64, keep = 0 : i64, init = 0xff800000 : f32} : (!mapped.stream<vector, [3, 8]>) -> !mapped.stream<scalar, [3]>
%0 = mapped.expand %top like %x : (!mapped.stream<scalar, [3]>, !mapped.stream<vector, [3, 8]>) -> !mapped.stream<scalar, [3, 8]>
%y = mapped.map "sub" %x, %0 : (!mapped.stream<vector, [3, 8]>, !mapped.stream<scalar, [3, 8]>) -> !mapped.stream<vector, [3, 8]>
mapped.linear_store %y in @y : (!mapped.stream<vector, [3, 8]>) -> ()
%1 = mapped.bufferize %y {rank = 2 : i64} : (!mapped.stream<vector, [3, 8]>) -> !mapped.buffer<vector, [] of [3, 8]>
%z = mapped.streamify %1 {sizes = array<i64: 2, 3, 8>, strides = array<i64: 0, 8, 1>} : (!mapped.buffer<vector, [] of [3, 8]>) -> !mapped.stream<vector, [2, 3, 8]>
mapped.linear_store %z in @z : (!mapped.stream<vector, [2, 3, 8]>) -> ()
