// A PMU reads rows as columns if they are at most a vector of 4 or whole vectors: 6 are neither.
// fabric: tiny
step.tensor @x : f32 [2, 6] input
step.tensor @w : f32 [6, 8] weight
step.tensor @y : f32 [2, 8] output
%x = step.load @x : !step.stream<f32, [2, 6]>
%w = step.load @w : !step.stream<f32, [6, 8]>
%y = step.matmul %x, %w : !step.stream<f32, [2, 8]>
step.store %y in @y
// ----
step.tensor @x : f32 [2, 6] input
step.tensor @w : f32 [6, 8] weight
step.tensor @y : f32 [2, 8] output
%x = step.load @x : !step.stream<f32, [2, 6]>
%w = step.load @w : !step.stream<f32, [6, 8]>
%0 = step.expand %x along [2] : !step.stream<f32, [2, 6, 8]>
%1 = step.expand %w along [0] : !step.stream<f32, [2, 6, 8]>
%2 = step.map mul %1, %0 : !step.stream<f32, [2, 6, 8]>
%y = step.accum add %2 over [1] : !step.stream<f32, [2, 8]>
step.store %y in @y
