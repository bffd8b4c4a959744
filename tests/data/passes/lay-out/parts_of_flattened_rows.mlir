// fabric: tiny pmu_lines=64
// A buffer of some of the beats of a flattened stream takes them as they come before: nothing is flattened.
step.tensor @x : f32 [2, 2, 8] input
step.tensor @y : f32 [16] output
step.tensor @z : f32 [16] output
%x = step.load @x : !step.stream<f32, [2, 2, 8]>
%s = step.map mul %x, 2.0 : !step.stream<f32, [2, 2, 8]>
%f = step.flatten %s over [0, 1, 2] : !step.stream<f32, [32]>
%b = step.bufferize %f rank 1 : !step.buffer<f32, [] of [32]>
%first = step.streamify %b walk [0] by [1] from [0] : !step.stream<f32, [16]>
%c = step.bufferize %f rank 1 : !step.buffer<f32, [] of [32]>
%second = step.streamify %c walk [0] by [1] from [16] : !step.stream<f32, [16]>
step.store %first in @y
step.store %second in @z
// ----
mapped.tensor @x {shape = array<i64: 2, 2, 8>, format = "f32", role = "input"}
mapped.tensor @y {shape = array<i64: 16>, format = "f32", role = "output"}
mapped.tensor @z {shape = array<i64: 16>, format = "f32", role = "output"}
%x = mapped.linear_load @x : () -> !mapped.stream<vector, [2, 2, 8]>
%s = mapped.map "mul" %x {const = 2.000000e+00 : f32, place = 1 : i64} : (!mapped.stream<vector, [2, 2, 8]>) -> !mapped.stream<vector, [2, 2, 8]>
%0 = mapped.bufferize %s {rank = 3 : i64, last = 4 : i64} : (!mapped.stream<vector, [2, 2, 8]>) -> !mapped.buffer<vector, [] of [16]>
%first = mapped.streamify %0 : (!mapped.buffer<vector, [] of [16]>) -> !mapped.stream<vector, [16]>
%1 = mapped.bufferize %s {rank = 3 : i64, first = 4 : i64, last = 8 : i64} : (!mapped.stream<vector, [2, 2, 8]>) -> !mapped.buffer<vector, [] of [16]>
%second = mapped.streamify %1 : (!mapped.buffer<vector, [] of [16]>) -> !mapped.stream<vector, [16]>
mapped.linear_store %first in @y : (!mapped.stream<vector, [16]>) -> ()
mapped.linear_store %second in @z : (!mapped.stream<vector, [16]>) -> ()
