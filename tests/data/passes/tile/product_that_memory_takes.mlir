// A quarter of 128 accumulators is 32: 64 beats are two tiles, the first of which is stored while the other is made.
// fabric: tiny acc_depth=128
step.loop 2
step.tensor @x : f32 [3] input each
step.tensor @w : bf16 [3, 256] weight each
step.tensor @y : f32 [256] output each
%x = step.load @x : !step.stream<f32, [3]>
%w = step.load @w : !step.stream<bf16, [3, 256]>
%held = step.expand %x along [1] : !step.stream<f32, [3, 256]>
%terms = step.map mul %w, %held : !step.stream<f32, [3, 256]>
%y = step.accum add %terms over [0] : !step.stream<f32, [256]>
step.store %y in @y
// ----
step.loop 2
step.tensor @x : f32 [3] input each
step.tensor @w : bf16 [3, 256] weight each
step.tensor @y : f32 [256] output each
%x = step.load @x : !step.stream<f32, [3]>
%w = step.load @w walk [1, 0, 1] by [128, 1, 1] : !step.stream<bf16, [2, 3, 128]>
%held = step.expand %x along [0, 2] : !step.stream<f32, [2, 3, 128]>
%terms = step.map mul %w, %held : !step.stream<f32, [2, 3, 128]>
%0 = step.accum add %terms over [1] : !step.stream<f32, [2, 128]>
%y = step.flatten %0 over [0, 1] : !step.stream<f32, [256]>
step.store %y in @y
