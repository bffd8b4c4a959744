// Whole: something else than memory takes the first, and the second has no weights.
// fabric: tiny acc_depth=32
step.tensor @x : f32 [3] input
step.tensor @w : f32 [3, 128] weight
step.tensor @a : f32 [3, 128] input
step.tensor @y : f32 [128] output
step.tensor @z : f32 [128] output
%x = step.load @x : !step.stream<f32, [3]>
%held = step.expand %x along [1] : !step.stream<f32, [3, 128]>
%w = step.load @w : !step.stream<f32, [3, 128]>
%terms = step.map mul %w, %held : !step.stream<f32, [3, 128]>
%product = step.accum add %terms over [0] : !step.stream<f32, [128]>
%y = step.map mul %product, 0.5 : !step.stream<f32, [128]>
step.store %y in @y
%a = step.load @a : !step.stream<f32, [3, 128]>
%others = step.map mul %a, %held : !step.stream<f32, [3, 128]>
%z = step.accum add %others over [0] : !step.stream<f32, [128]>
step.store %z in @z
// ----
step.tensor @x : f32 [3] input
step.tensor @w : f32 [3, 128] weight
step.tensor @a : f32 [3, 128] input
step.tensor @y : f32 [128] output
step.tensor @z : f32 [128] output
%x = step.load @x : !step.stream<f32, [3]>
%held = step.expand %x along [1] : !step.stream<f32, [3, 128]>
%w = step.load @w : !step.stream<f32, [3, 128]>
%terms = step.map mul %w, %held : !step.stream<f32, [3, 128]>
%product = step.accum add %terms over [0] : !step.stream<f32, [128]>
%y = step.map mul %product, 5.000000e-01 : !step.stream<f32, [128]>
step.store %y in @y
%a = step.load @a : !step.stream<f32, [3, 128]>
%others = step.map mul %a, %held : !step.stream<f32, [3, 128]>
%z = step.accum add %others over [0] : !step.stream<f32, [128]>
step.store %z in @z
