// Only the launch knows how often: each row that is read sends a token, which asks for the row that it meets.
// fabric: tiny
step.dimension @n <= 4
step.tensor @x : f32 [4, 8] input
step.tensor @row : f32 [8] input
step.tensor @y : f32 [4, 8] output
%row = step.load @row : !step.stream<f32, [8]>
%rows = step.expand %row along [0] : !step.stream<f32, [n, 8]>
%x = step.load @x : !step.stream<f32, [n, 8]>
%y = step.map mul %x, %rows : !step.stream<f32, [n, 8]>
step.store %y in @y
// ----
mapped.non_empty {of = #step.dims<[n]>, reason = "line 10: step.map (%y): an empty dimension inside others would not be seen in each of these"}
mapped.size {index = 1 : i64, of = #step.dims<[n]>, unit = "elements", per = 1 : i64}
mapped.tensor @x {shape = array<i64: 4, 8>, format = "f32", role = "input"}
mapped.tensor @row {shape = array<i64: 8>, format = "f32", role = "input"}
mapped.tensor @y {shape = array<i64: 4, 8>, format = "f32", role = "output"}
%row = mapped.linear_load @row : () -> !mapped.stream<vector, [8]>
%x = mapped.linear_load @x {size_args = array<i64: 1, 0>} : () -> !mapped.stream<vector, [?, 8]>
%0 = mapped.bufferize %x {rank = 1 : i64} : (!mapped.stream<vector, [?, 8]>) -> !mapped.buffer<vector, [?] of [8]>
%x_again, %1 = mapped.streamify %0 : (!mapped.buffer<vector, [?] of [8]>) -> (!mapped.stream<vector, [?, 8]>, !mapped.stream<control, [?]>)
%2 = mapped.bufferize %row {rank = 1 : i64} : (!mapped.stream<vector, [8]>) -> !mapped.buffer<vector, [] of [8]>
%rows = mapped.streamify %2 for %1 : (!mapped.buffer<vector, [] of [8]>, !mapped.stream<control, [?]>) -> !mapped.stream<vector, [?, 8]>
%y = mapped.map "mul" %x_again, %rows : (!mapped.stream<vector, [?, 8]>, !mapped.stream<vector, [?, 8]>) -> !mapped.stream<vector, [?, 8]>
mapped.linear_store %y in @y {size_args = array<i64: 1, 0>} : (!mapped.stream<vector, [?, 8]>) -> ()
