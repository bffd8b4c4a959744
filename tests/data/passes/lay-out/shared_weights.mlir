// Two products share the columns of their left side; each weight that comes, packed or not, meets both rows.
// fabric: tiny
step.tensor @x : f32 [2, 8] input
step.tensor @w : bf16 [8, 16] weight
step.tensor @v : f32 [8, 12] weight
step.tensor @y : f32 [2, 16] output
step.tensor @z : f32 [2, 12] output
%x = step.load @x : !step.stream<f32, [2, 8]>
%w = step.load @w : !step.stream<bf16, [8, 16]>
%y = step.matmul %x, %w : !step.stream<f32, [2, 16]>
step.store %y in @y
%v = step.load @v : !step.stream<f32, [8, 12]>
%z = step.matmul %x, %v : !step.stream<f32, [2, 12]>
step.store %z in @z
// ----
mapped.tensor @x {shape = array<i64: 2, 8>, format = "f32", role = "input"}
mapped.tensor @w {shape = array<i64: 8, 16>, format = "bf16x2", role = "weight"}
mapped.tensor @v {shape = array<i64: 8, 12>, format = "f32", role = "weight"}
mapped.tensor @y {shape = array<i64: 2, 16>, format = "f32", role = "output"}
mapped.tensor @z {shape = array<i64: 2, 12>, format = "f32", role = "output"}
%x = mapped.linear_load @x : () -> !mapped.stream<vector, [2, 8]>
%w = mapped.linear_load @w : () -> !mapped.stream<packed, [8, 16]>
%0 = mapped.bufferize %x {rank = 2 : i64} : (!mapped.stream<vector, [2, 8]>) -> !mapped.buffer<vector, [] of [2, 8]>
%x.columns = mapped.streamify %0 {transposed} : (!mapped.buffer<vector, [] of [2, 8]>) -> !mapped.stream<vector, [8, 2]>
%w_1 = mapped.unpack %w : (!mapped.stream<packed, [8, 16]>) -> !mapped.stream<vector, [8, 16]>
%y = mapped.matmul %x.columns, %w_1 {keep = 1 : i64} : (!mapped.stream<vector, [8, 2]>, !mapped.stream<vector, [8, 16]>) -> !mapped.stream<vector, [2, 16]>
mapped.linear_store %y in @y : (!mapped.stream<vector, [2, 16]>) -> ()
%v = mapped.linear_load @v : () -> !mapped.stream<vector, [8, 12]>
%z = mapped.matmul %x.columns, %v {keep = 1 : i64} : (!mapped.stream<vector, [8, 2]>, !mapped.stream<vector, [8, 12]>) -> !mapped.stream<vector, [2, 12]>
mapped.linear_store %z in @z : (!mapped.stream<vector, [2, 12]>) -> ()
