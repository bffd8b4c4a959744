// Five of eight lanes: a reduction within rows does not see the others, for the PCU masks them. Memory would, so the
// last beat of a row that does not end with its tensor's row is filled up with zeros.
// fabric: tiny
step.tensor @x : f32 [3, 5] input
step.tensor @top : f32 [3] output
step.tensor @y : f32 [3, 8] output
%x = step.load @x : !step.stream<f32, [3, 5]>
%top = step.accum max %x over [1] : !step.stream<f32, [3]>
step.store %top in @top
%y = step.map add %x, 1.0 : !step.stream<f32, [3, 5]>
step.store %y in @y
// ----
mapped.tensor @x {shape = array<i64: 3, 5>, format = "f32", role = "input"}
mapped.tensor @top {shape = array<i64: 3>, format = "f32", role = "output"}
mapped.tensor @y {shape = array<i64: 3, 8>, format = "f32", role = "output"}
%x = mapped.linear_load @x : () -> !mapped.stream<vector, [3, 5]>
%top = mapped.accum "max" %x {over = 1 : i64, keep = 0 : i64, init = 0xff800000 : f32} : (!mapped.stream<vector, [3, 5]>) -> !mapped.stream<scalar, [3]>
%0 = mapped.bufferize %top {rank = 1 : i64} : (!mapped.stream<scalar, [3]>) -> !mapped.buffer<scalar, [] of [3]>
%top.row = mapped.streamify %0 : (!mapped.buffer<scalar, [] of [3]>) -> !mapped.stream<vector, [3]>
mapped.linear_store %top.row in @top : (!mapped.stream<vector, [3]>) -> ()
%y = mapped.map "add" %x {const = 1.000000e+00 : f32, place = 1 : i64} : (!mapped.stream<vector, [3, 5]>) -> !mapped.stream<vector, [3, 5]>
mapped.tensor @index_of {shape = array<i64: 8>, format = "f32", role = "iota"}
%index_of = mapped.linear_load @index_of {dims = array<i64: -1, 0>} : () -> !mapped.stream<vector, [3, 5]>
%1 = mapped.map "lt" %index_of {const = 5.000000e+00 : f32} : (!mapped.stream<vector, [3, 5]>) -> !mapped.stream<vector, [3, 5]>
%2 = mapped.map "select" %1, %y {const = 0.000000e+00 : f32, place = 2 : i64} : (!mapped.stream<vector, [3, 5]>, !mapped.stream<vector, [3, 5]>) -> !mapped.stream<vector, [3, 5]>
mapped.linear_store %2 in @y : (!mapped.stream<vector, [3, 5]>) -> ()
