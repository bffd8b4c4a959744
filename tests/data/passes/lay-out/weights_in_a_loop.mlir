// In a loop matrices of weights run ahead by a PMU. The state lives in a resident buffer: recalled in all iterations
// but the first, whose load says so in the others, and kept in all but the last.
// fabric: tiny
step.loop 3
step.state @sum : f32 [8]
step.tensor @w : f32 [4, 8] weight each
step.tensor @start : f32 [8] input
step.tensor @y : f32 [8] output
%start = step.load @start : !step.stream<f32, [8]>
%old = step.recall @sum initial %start : !step.stream<f32, [8]>
%w = step.load @w : !step.stream<f32, [4, 8]>
%part = step.accum add %w over [0] : !step.stream<f32, [8]>
%new = step.map add %old, %part : !step.stream<f32, [8]>
step.keep %new in @sum
%y = step.last %new : !step.stream<f32, [8]>
step.store %y in @y
// ----
mapped.loop {turns = 3 : i64}
mapped.resident @sum {shape = array<i64: 8>}
mapped.tensor @w {shape = array<i64: 4, 8>, format = "f32", role = "weight", each}
mapped.tensor @start {shape = array<i64: 8>, format = "f32", role = "input"}
mapped.tensor @y {shape = array<i64: 8>, format = "f32", role = "output"}
%start, %0 = mapped.linear_load @start {when = "first", done_when = "later"} : () -> (!mapped.stream<vector, [8]>, !mapped.stream<control, []>)
%iteration = mapped.turn : !mapped.stream<scalar, []>
%sum_before = mapped.recall @sum for %0 : (!mapped.stream<control, []>) -> !mapped.stream<vector, [8]>
%old = mapped.merge %iteration of %start, %sum_before : (!mapped.stream<scalar, []>, !mapped.stream<vector, [8]>, !mapped.stream<vector, [8]>) -> !mapped.stream<vector, [8]>
%w = mapped.linear_load @w : () -> !mapped.stream<vector, [4, 8]>
%1 = mapped.bufferize %w {rank = 0 : i64} : (!mapped.stream<vector, [4, 8]>) -> !mapped.buffer<vector, [4, 8] of []>
%w_ahead = mapped.streamify %1 : (!mapped.buffer<vector, [4, 8] of []>) -> !mapped.stream<vector, [4, 8]>
%part = mapped.accum "add" %w_ahead {over = 1 : i64, keep = 1 : i64, init = 0.000000e+00 : f32} : (!mapped.stream<vector, [4, 8]>) -> !mapped.stream<vector, [8]>
%new = mapped.map "add" %old, %part : (!mapped.stream<vector, [8]>, !mapped.stream<vector, [8]>) -> !mapped.stream<vector, [8]>
mapped.keep %new in @sum {when = "earlier"} : !mapped.stream<vector, [8]>
%2 = mapped.bufferize %new {rank = 1 : i64, when = "last"} : (!mapped.stream<vector, [8]>) -> !mapped.buffer<vector, [] of [8]>
%y = mapped.streamify %2 : (!mapped.buffer<vector, [] of [8]>) -> !mapped.stream<vector, [8]>
mapped.linear_store %y in @y {when = "last"} : (!mapped.stream<vector, [8]>) -> ()
