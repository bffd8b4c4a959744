// A store that is awaited gives a token, and the load begins after it.
// fabric: tiny
step.tensor @x : f32 [4, 4] input
step.tensor @half : f32 [4, 4] output
step.tensor @y : f32 [4, 4] output
%x = step.load @x : !step.stream<f32, [4, 4]>
%half = step.map mul %x, 0.5 : !step.stream<f32, [4, 4]>
%stored = step.store %half in @half -> !step.token
%y = step.load @half after %stored : !step.stream<f32, [4, 4]>
step.store %y in @y
// ----
mapped.tensor @x {shape = array<i64: 4, 4>, format = "f32", role = "input"}
mapped.tensor @half {shape = array<i64: 4, 4>, format = "f32", role = "output"}
mapped.tensor @y {shape = array<i64: 4, 4>, format = "f32", role = "output"}
%x = mapped.linear_load @x : () -> !mapped.stream<vector, [4, 4]>
%half = mapped.map "mul" %x {const = 5.000000e-01 : f32, place = 1 : i64} : (!mapped.stream<vector, [4, 4]>) -> !mapped.stream<vector, [4, 4]>
%0 = mapped.linear_store %half in @half : (!mapped.stream<vector, [4, 4]>) -> !mapped.stream<control, []>
%y = mapped.linear_load @half after %0 : (!mapped.stream<control, []>) -> !mapped.stream<vector, [4, 4]>
mapped.linear_store %y in @y : (!mapped.stream<vector, [4, 4]>) -> ()
