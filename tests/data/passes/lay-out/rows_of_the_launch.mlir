// Only the launch knows where rows end: the lanes behind hold -inf for a maximum.
// fabric: tiny
step.dimension @n <= 8
step.tensor @x : f32 [3, 8] input
step.tensor @top : f32 [3] output
%x = step.load @x : !step.stream<f32, [3, n]>
%top = step.accum max %x over [1] : !step.stream<f32, [3]>
step.store %top in @top
// ----
mapped.size {index = 2 : i64, of = #step.dims<[n]>, unit = "float", per = 1 : i64}
mapped.size {index = 1 : i64, of = #step.dims<[n]>, unit = "beats", per = 4 : i64}
mapped.tensor @x {shape = array<i64: 3, 8>, format = "f32", role = "input"}
mapped.tensor @top {shape = array<i64: 3>, format = "f32", role = "output"}
%x = mapped.linear_load @x {size_args = array<i64: 0, 1>} : () -> !mapped.stream<vector, [3, ?]>
mapped.tensor @index_of {shape = array<i64: 8>, format = "f32", role = "iota"}
%index_of = mapped.linear_load @index_of {dims = array<i64: -1, 0>, size_args = array<i64: 0, 1>} : () -> !mapped.stream<vector, [3, ?]>
%argument = mapped.argument {index = 2 : i64} : !mapped.stream<scalar, []>
%0 = mapped.expand %argument like %index_of : (!mapped.stream<scalar, []>, !mapped.stream<vector, [3, ?]>) -> !mapped.stream<scalar, [3, ?]>
%1 = mapped.map "lt" %index_of, %0 : (!mapped.stream<vector, [3, ?]>, !mapped.stream<scalar, [3, ?]>) -> !mapped.stream<vector, [3, ?]>
%2 = mapped.map "select" %1, %x {const = 0xff800000 : f32, place = 2 : i64} : (!mapped.stream<vector, [3, ?]>, !mapped.stream<vector, [3, ?]>) -> !mapped.stream<vector, [3, ?]>
%top = mapped.accum "max" %2 {over = 1 : i64, keep = 0 : i64, init = 0xff800000 : f32} : (!mapped.stream<vector, [3, ?]>) -> !mapped.stream<scalar, [3]>
%3 = mapped.bufferize %top {rank = 1 : i64} : (!mapped.stream<scalar, [3]>) -> !mapped.buffer<scalar, [] of [3]>
%top.row = mapped.streamify %3 : (!mapped.buffer<scalar, [] of [3]>) -> !mapped.stream<vector, [3]>
mapped.linear_store %top.row in @top : (!mapped.stream<vector, [3]>) -> ()
