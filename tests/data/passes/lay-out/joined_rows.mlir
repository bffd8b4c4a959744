// Rows of 6 end within a beat: scalars are joined, six and then two, selected again for each of three rows.
// fabric: tiny
step.tensor @a : f32 [3, 6] input
step.tensor @b : f32 [3, 2] input
step.tensor @y : f32 [3, 8] output
%a = step.load @a : !step.stream<f32, [3, 6]>
%b = step.load @b : !step.stream<f32, [3, 2]>
%y = step.concat %a, %b over 1 : !step.stream<f32, [3, 8]>
step.store %y in @y
// ----
mapped.tensor @a {shape = array<i64: 3, 6>, format = "f32", role = "input"}
mapped.tensor @b {shape = array<i64: 3, 2>, format = "f32", role = "input"}
mapped.tensor @y {shape = array<i64: 3, 8>, format = "f32", role = "output"}
%a = mapped.linear_load @a : () -> !mapped.stream<vector, [3, 6]>
%b = mapped.linear_load @b : () -> !mapped.stream<vector, [3, 2]>
mapped.tensor @selectors {shape = array<i64: 2>, format = "i32", role = "constant", values = array<i64: 0, 1>}
%selectors = mapped.linear_load @selectors {dims = array<i64: -1, 0>} : () -> !mapped.stream<vector, [3, 2]>
%0 = mapped.bufferize %selectors {rank = 1 : i64} : (!mapped.stream<vector, [3, 2]>) -> !mapped.buffer<vector, [3] of [2]>
%selectors.numbers = mapped.streamify %0 : (!mapped.buffer<vector, [3] of [2]>) -> !mapped.stream<scalar, [3, 2]>
%1 = mapped.bufferize %a {rank = 1 : i64} : (!mapped.stream<vector, [3, 6]>) -> !mapped.buffer<vector, [3] of [6]>
%a.numbers = mapped.streamify %1 : (!mapped.buffer<vector, [3] of [6]>) -> !mapped.stream<scalar, [3, 6]>
%2 = mapped.bufferize %b {rank = 1 : i64} : (!mapped.stream<vector, [3, 2]>) -> !mapped.buffer<vector, [3] of [2]>
%b.numbers = mapped.streamify %2 : (!mapped.buffer<vector, [3] of [2]>) -> !mapped.stream<scalar, [3, 2]>
%3 = mapped.spread %a.numbers : (!mapped.stream<scalar, [3, 6]>) -> !mapped.stream<vector, [3, 6]>
%4 = mapped.spread %b.numbers : (!mapped.stream<scalar, [3, 2]>) -> !mapped.stream<vector, [3, 2]>
%5 = mapped.merge %selectors.numbers of %3, %4 {block = 1 : i64, known = array<i64: 0, 1>} : (!mapped.stream<scalar, [3, 2]>, !mapped.stream<vector, [3, 6]>, !mapped.stream<vector, [3, 2]>) -> !mapped.stream<vector, [3, 2, ?]>
%6 = mapped.lane %5 : (!mapped.stream<vector, [3, 2, ?]>) -> !mapped.stream<scalar, [3, 2, ?]>
%y = mapped.flatten %6 {size = 8 : i64} : (!mapped.stream<scalar, [3, 2, ?]>) -> !mapped.stream<scalar, [3, 8]>
%7 = mapped.bufferize %y {rank = 1 : i64} : (!mapped.stream<scalar, [3, 8]>) -> !mapped.buffer<scalar, [3] of [8]>
%y.row = mapped.streamify %7 : (!mapped.buffer<scalar, [3] of [8]>) -> !mapped.stream<vector, [3, 8]>
mapped.linear_store %y.row in @y : (!mapped.stream<vector, [3, 8]>) -> ()
