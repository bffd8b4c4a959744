// Rows are found in memory; of single elements all are loaded, and read by index out of a PMU. The index of a row that
// is stored ends with a stop of a row's rank.
// fabric: tiny
step.tensor @index : i32 [3] input
step.tensor @x : f32 [4, 8] input
step.tensor @numbers : f32 [4] input
step.tensor @y : f32 [4, 8] output
step.tensor @z : f32 [3] output
%index = step.load @index : !step.stream<i32, [3]>
%rows = step.random_load %index of @x : !step.stream<f32, [3, 8]>
step.random_store %rows at %index in @y
%z = step.random_load %index of @numbers : !step.stream<f32, [3]>
step.store %z in @z
// ----
mapped.tensor @index {shape = array<i64: 3>, format = "i32", role = "input"}
mapped.tensor @x {shape = array<i64: 4, 8>, format = "f32", role = "input"}
mapped.tensor @numbers {shape = array<i64: 4>, format = "f32", role = "input"}
mapped.tensor @y {shape = array<i64: 4, 8>, format = "f32", role = "output"}
mapped.tensor @z {shape = array<i64: 3>, format = "f32", role = "output"}
%index = mapped.linear_load @index : () -> !mapped.stream<vector, [3]>
%0 = mapped.bufferize %index {rank = 1 : i64} : (!mapped.stream<vector, [3]>) -> !mapped.buffer<vector, [] of [3]>
%index.numbers = mapped.streamify %0 : (!mapped.buffer<vector, [] of [3]>) -> !mapped.stream<scalar, [3]>
%rows = mapped.random_load %index.numbers of @x : (!mapped.stream<scalar, [3]>) -> !mapped.stream<vector, [3, 8]>
%1 = mapped.promote %index.numbers : (!mapped.stream<scalar, [3]>) -> !mapped.stream<scalar, [1, 3]>
mapped.random_store %rows at %1 in @y : (!mapped.stream<vector, [3, 8]>, !mapped.stream<scalar, [1, 3]>) -> ()
%numbers = mapped.linear_load @numbers : () -> !mapped.stream<vector, [4]>
%2 = mapped.bufferize %numbers {rank = 1 : i64} : (!mapped.stream<vector, [4]>) -> !mapped.buffer<vector, [] of [4]>
%z = mapped.streamify %2 for %index.numbers {sizes = array<i64>, strides = array<i64>} : (!mapped.buffer<vector, [] of [4]>, !mapped.stream<scalar, [3]>) -> !mapped.stream<scalar, [3]>
%3 = mapped.bufferize %z {rank = 1 : i64} : (!mapped.stream<scalar, [3]>) -> !mapped.buffer<scalar, [] of [3]>
%z.row = mapped.streamify %3 : (!mapped.buffer<scalar, [] of [3]>) -> !mapped.stream<vector, [3]>
mapped.linear_store %z.row in @z : (!mapped.stream<vector, [3]>) -> ()
