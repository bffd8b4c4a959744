// Integers have functions of their own, and no tree over the lanes adds them: they come one by one.
// fabric: tiny
step.tensor @x : i32 [3, 8] input
step.tensor @y : i32 [3] output
step.tensor @z : f32 [3, 8] output
%x = step.load @x : !step.stream<i32, [3, 8]>
%y = step.accum add %x over [1] : !step.stream<i32, [3]>
step.store %y in @y
%z = step.convert %x : !step.stream<f32, [3, 8]>
step.store %z in @z
// ----
mapped.tensor @x {shape = array<i64: 3, 8>, format = "i32", role = "input"}
mapped.tensor @y {shape = array<i64: 3>, format = "i32", role = "output"}
mapped.tensor @z {shape = array<i64: 3, 8>, format = "f32", role = "output"}
%x = mapped.linear_load @x : () -> !mapped.stream<vector, [3, 8]>
%0 = mapped.bufferize %x {rank = 1 : i64} : (!mapped.stream<vector, [3, 8]>) -> !mapped.buffer<vector, [3] of [8]>
%x.numbers = mapped.streamify %0 : (!mapped.buffer<vector, [3] of [8]>) -> !mapped.stream<scalar, [3, 8]>
%y = mapped.accum "iadd" %x.numbers {over = 1 : i64, keep = 0 : i64, init = 0 : i64} : (!mapped.stream<scalar, [3, 8]>) -> !mapped.stream<scalar, [3]>
%1 = mapped.bufferize %y {rank = 1 : i64} : (!mapped.stream<scalar, [3]>) -> !mapped.buffer<scalar, [] of [3]>
%y.row = mapped.streamify %1 : (!mapped.buffer<scalar, [] of [3]>) -> !mapped.stream<vector, [3]>
mapped.linear_store %y.row in @y : (!mapped.stream<vector, [3]>) -> ()
%z = mapped.map "float" %x : (!mapped.stream<vector, [3, 8]>) -> !mapped.stream<vector, [3, 8]>
mapped.linear_store %z in @z : (!mapped.stream<vector, [3, 8]>) -> ()
