// A quarter of 32 accumulators would be 8, but tiles have at least 16: shorter bursts of weights cost more.
// fabric: tiny acc_depth=32
step.loop 2
step.tensor @x : f32 [3] input each
step.tensor @w : f32 [3, 128] weight each
step.tensor @y : f32 [128] output each
%x = step.load @x : !step.stream<f32, [3]>
%w = step.load @w : !step.stream<f32, [3, 128]>
%held = step.expand %x along [1] : !step.stream<f32, [3, 128]>
%terms = step.map mul %w, %held : !step.stream<f32, [3, 128]>
%y = step.accum add %terms over [0] : !step.stream<f32, [128]>
step.store %y in @y
// ----
step.loop 2
step.tensor @x : f32 [3] input each
step.tensor @w : f32 [3, 128] weight each
step.tensor @y : f32 [128] output each
%x = step.load @x : !step.stream<f32, [3]>
%w = step.load @w walk [1, 0, 1] by [64, 1, 1] : !step.stream<f32, [2, 3, 64]>
%held = step.expand %x along [0, 2] : !step.stream<f32, [2, 3, 64]>
%terms = step.map mul %w, %held : !step.stream<f32, [2, 3, 64]>
%0 = step.accum add %terms over [1] : !step.stream<f32, [2, 64]>
%y = step.flatten %0 over [0, 1] : !step.stream<f32, [128]>
step.store %y in @y
