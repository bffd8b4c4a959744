// Two bf16 vectors a beat. A PCU's header unpacks them for a function; for a store, which packs again, a PCU passes
// them on. Rows that are repeated stay packed in the PMU.
// fabric: tiny
step.tensor @x : bf16 [3, 16] input
step.tensor @a : f32 [2, 16] input
step.tensor @row : bf16 [16] input
step.tensor @copy : bf16 [3, 16] output
step.tensor @y : f32 [3, 16] output
step.tensor @z : f32 [2, 16] output
%x = step.load @x : !step.stream<bf16, [3, 16]>
step.store %x in @copy
%y = step.map mul %x, 2.0 : !step.stream<f32, [3, 16]>
step.store %y in @y
%row = step.load @row : !step.stream<bf16, [16]>
%rows = step.expand %row along [0] : !step.stream<bf16, [2, 16]>
%a = step.load @a : !step.stream<f32, [2, 16]>
%z = step.map mul %rows, %a : !step.stream<f32, [2, 16]>
step.store %z in @z
// ----
mapped.tensor @x {shape = array<i64: 3, 16>, format = "bf16x2", role = "input"}
mapped.tensor @a {shape = array<i64: 2, 16>, format = "f32", role = "input"}
mapped.tensor @row {shape = array<i64: 16>, format = "bf16x2", role = "input"}
mapped.tensor @copy {shape = array<i64: 3, 16>, format = "bf16x2", role = "output"}
mapped.tensor @y {shape = array<i64: 3, 16>, format = "f32", role = "output"}
mapped.tensor @z {shape = array<i64: 2, 16>, format = "f32", role = "output"}
%x = mapped.linear_load @x : () -> !mapped.stream<packed, [3, 16]>
%x_1 = mapped.unpack %x : (!mapped.stream<packed, [3, 16]>) -> !mapped.stream<vector, [3, 16]>
%x_2 = mapped.map "pass" %x_1 : (!mapped.stream<vector, [3, 16]>) -> !mapped.stream<vector, [3, 16]>
mapped.linear_store %x_2 in @copy : (!mapped.stream<vector, [3, 16]>) -> ()
%y = mapped.map "mul" %x_1 {const = 2.000000e+00 : f32, place = 1 : i64} : (!mapped.stream<vector, [3, 16]>) -> !mapped.stream<vector, [3, 16]>
mapped.linear_store %y in @y : (!mapped.stream<vector, [3, 16]>) -> ()
%row = mapped.linear_load @row : () -> !mapped.stream<packed, [16]>
%0 = mapped.bufferize %row {rank = 1 : i64} : (!mapped.stream<packed, [16]>) -> !mapped.buffer<packed, [] of [16]>
%rows = mapped.streamify %0 {sizes = array<i64: 2, 16>, strides = array<i64: 0, 1>} : (!mapped.buffer<packed, [] of [16]>) -> !mapped.stream<packed, [2, 16]>
%a = mapped.linear_load @a : () -> !mapped.stream<vector, [2, 16]>
%rows_1 = mapped.unpack %rows : (!mapped.stream<packed, [2, 16]>) -> !mapped.stream<vector, [2, 16]>
%z = mapped.map "mul" %rows_1, %a : (!mapped.stream<vector, [2, 16]>, !mapped.stream<vector, [2, 16]>) -> !mapped.stream<vector, [2, 16]>
mapped.linear_store %z in @z : (!mapped.stream<vector, [2, 16]>) -> ()
