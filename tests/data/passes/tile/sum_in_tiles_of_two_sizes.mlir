// 35 columns are 9 beats, and 35 is no multiple of a beat; 80 rows are too many to turn: 32 columns, then the other 3.
// fabric: tiny
step.tensor @x : f32 [80, 35] input
step.tensor @y : f32 [35] output
%x = step.load @x : !step.stream<f32, [80, 35]>
%y = step.accum add %x over [0] from 0.5 : !step.stream<f32, [35]>
step.store %y in @y
// ----
step.tensor @x : f32 [80, 35] input
step.tensor @y : f32 [35] output
%x = step.load @x walk [1, 0, 1] by [32, 1, 1] : !step.stream<f32, [1, 80, 32]>
%x_1 = step.load @x walk [1, 0, 1] by [32, 1, 1] from [0, 32] : !step.stream<f32, [1, 80, 3]>
%0 = step.accum add %x over [1] from 5.000000e-01 : !step.stream<f32, [1, 32]>
%1 = step.flatten %0 over [0, 1] : !step.stream<f32, [32]>
%2 = step.accum add %x_1 over [1] from 5.000000e-01 : !step.stream<f32, [1, 3]>
%3 = step.flatten %2 over [0, 1] : !step.stream<f32, [3]>
%y = step.concat %1, %3 over 0 : !step.stream<f32, [35]>
step.store %y in @y
