// 12 beats and 8 accumulators: the largest equal tiles are 6 beats. The cut goes through the multiplication to the
// loads, and what is held against rows stays so.
// fabric: tiny
step.tensor @x : f32 [3, 48] input
step.tensor @a : f32 [3] input
step.tensor @half : f32 [48] output
%x = step.load @x : !step.stream<f32, [3, 48]>
%a = step.load @a : !step.stream<f32, [3]>
%held = step.expand %a along [1] : !step.stream<f32, [3, 48]>
%scaled = step.map mul %x, %held : !step.stream<f32, [3, 48]>
%sum = step.accum add %scaled over [0] : !step.stream<f32, [48]>
%half = step.map mul %sum, 0.5 : !step.stream<f32, [48]>
step.store %half in @half
// ----
step.tensor @x : f32 [3, 48] input
step.tensor @a : f32 [3] input
step.tensor @half : f32 [48] output
%a = step.load @a : !step.stream<f32, [3]>
%x = step.load @x walk [1, 0, 1] by [24, 1, 1] : !step.stream<f32, [2, 3, 24]>
%held = step.expand %a along [0, 2] : !step.stream<f32, [2, 3, 24]>
%scaled = step.map mul %x, %held : !step.stream<f32, [2, 3, 24]>
%0 = step.accum add %scaled over [1] : !step.stream<f32, [2, 24]>
%sum = step.flatten %0 over [0, 1] : !step.stream<f32, [48]>
%half = step.map mul %sum, 5.000000e-01 : !step.stream<f32, [48]>
step.store %half in @half
