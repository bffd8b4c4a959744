// Dimensions that are not neighbours are reduced one after the other, the innermost first; the last begins at 2.
// fabric: tiny
step.tensor @x : f32 [3, 2, 8] input
step.tensor @y : f32 [2] output
%x = step.load @x : !step.stream<f32, [3, 2, 8]>
%y = step.accum add %x over [0, 2] from 2.0 : !step.stream<f32, [2]>
step.store %y in @y
// ----
step.tensor @x : f32 [3, 2, 8] input
step.tensor @y : f32 [2] output
%x = step.load @x : !step.stream<f32, [3, 2, 8]>
%0 = step.accum add %x over [2] : !step.stream<f32, [3, 2]>
%y = step.accum add %0 over [0] from 2.000000e+00 : !step.stream<f32, [2]>
step.store %y in @y
