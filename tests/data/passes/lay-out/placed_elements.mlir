// Elements 1 and 3 of a row of 4, for each of three rows: a merge chooses element by element, of the row or of zeros.
// fabric: tiny
step.tensor @x : f32 [3, 2] input
step.tensor @y : f32 [3, 4] output
%x = step.load @x : !step.stream<f32, [3, 2]>
%y = step.place %x from 1 by 2 : !step.stream<f32, [3, 4]>
step.store %y in @y
// ----
mapped.tensor @x {shape = array<i64: 3, 2>, format = "f32", role = "input"}
mapped.tensor @y {shape = array<i64: 3, 4>, format = "f32", role = "output"}
%x = mapped.linear_load @x : () -> !mapped.stream<vector, [3, 2]>
mapped.tensor @selectors {shape = array<i64: 4>, format = "i32", role = "constant", values = array<i64: 0, 1, 0, 1>}
%selectors = mapped.linear_load @selectors {dims = array<i64: -1, 0>} : () -> !mapped.stream<vector, [3, 4]>
%0 = mapped.bufferize %selectors {rank = 1 : i64} : (!mapped.stream<vector, [3, 4]>) -> !mapped.buffer<vector, [3] of [4]>
%selectors.numbers = mapped.streamify %0 : (!mapped.buffer<vector, [3] of [4]>) -> !mapped.stream<scalar, [3, 4]>
mapped.tensor @zeros {shape = array<i64: 2>, format = "i32", role = "constant", values = array<i64: 0, 0>}
%zeros = mapped.linear_load @zeros {dims = array<i64: -1, 0>} : () -> !mapped.stream<vector, [3, 2]>
%1 = mapped.bufferize %zeros {rank = 1 : i64} : (!mapped.stream<vector, [3, 2]>) -> !mapped.buffer<vector, [3] of [2]>
%zeros.numbers = mapped.streamify %1 : (!mapped.buffer<vector, [3] of [2]>) -> !mapped.stream<scalar, [3, 2]>
%2 = mapped.bufferize %x {rank = 1 : i64} : (!mapped.stream<vector, [3, 2]>) -> !mapped.buffer<vector, [3] of [2]>
%x.numbers = mapped.streamify %2 : (!mapped.buffer<vector, [3] of [2]>) -> !mapped.stream<scalar, [3, 2]>
%3 = mapped.spread %zeros.numbers : (!mapped.stream<scalar, [3, 2]>) -> !mapped.stream<vector, [3, 2]>
%4 = mapped.spread %x.numbers : (!mapped.stream<scalar, [3, 2]>) -> !mapped.stream<vector, [3, 2]>
%y = mapped.merge %selectors.numbers of %3, %4 {block = 0 : i64, known = array<i64: 0, 1, 0, 1>} : (!mapped.stream<scalar, [3, 4]>, !mapped.stream<vector, [3, 2]>, !mapped.stream<vector, [3, 2]>) -> !mapped.stream<vector, [3, 4]>
%y_1 = mapped.lane %y : (!mapped.stream<vector, [3, 4]>) -> !mapped.stream<scalar, [3, 4]>
%5 = mapped.bufferize %y_1 {rank = 1 : i64} : (!mapped.stream<scalar, [3, 4]>) -> !mapped.buffer<scalar, [3] of [4]>
%y.row = mapped.streamify %5 : (!mapped.buffer<scalar, [3] of [4]>) -> !mapped.stream<vector, [3, 4]>
mapped.linear_store %y.row in @y : (!mapped.stream<vector, [3, 4]>) -> ()
