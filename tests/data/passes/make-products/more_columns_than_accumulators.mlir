// 36 columns are 9 beats, and a PCU has 8 accumulators: tile cuts columns of loads, but not of what is computed.
// fabric: tiny
step.tensor @x : f32 [2, 8] input
step.tensor @w : f32 [8, 36] weight
step.tensor @y : f32 [2, 36] output
step.tensor @z : f32 [2, 36] output
%x = step.load @x : !step.stream<f32, [2, 8]>
%w = step.load @w : !step.stream<f32, [8, 36]>
%y = step.matmul %x, %w : !step.stream<f32, [2, 36]>
step.store %y in @y
%square = step.map mul %w, %w : !step.stream<f32, [8, 36]>
%z = step.matmul %x, %square : !step.stream<f32, [2, 36]>
step.store %z in @z
// ----
step.tensor @x : f32 [2, 8] input
step.tensor @w : f32 [8, 36] weight
step.tensor @y : f32 [2, 36] output
step.tensor @z : f32 [2, 36] output
%x = step.load @x : !step.stream<f32, [2, 8]>
%w = step.load @w : !step.stream<f32, [8, 36]>
%y = step.matmul %x, %w : !step.stream<f32, [2, 36]>
step.store %y in @y
%square = step.map mul %w, %w : !step.stream<f32, [8, 36]>
%0 = step.expand %x along [2] : !step.stream<f32, [2, 8, 36]>
%1 = step.expand %square along [0] : !step.stream<f32, [2, 8, 36]>
%2 = step.map mul %1, %0 : !step.stream<f32, [2, 8, 36]>
%z = step.accum add %2 over [1] : !step.stream<f32, [2, 36]>
step.store %z in @z
