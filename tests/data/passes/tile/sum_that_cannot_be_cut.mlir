// 35 columns are 9 beats, and 35 is no multiple of a beat: the 3 rows become the innermost dimension.
// fabric: tiny
step.tensor @x : f32 [3, 35] input
step.tensor @y : f32 [35] output
%x = step.load @x : !step.stream<f32, [3, 35]>
%y = step.accum add %x over [0] from 0.5 : !step.stream<f32, [35]>
step.store %y in @y
// ----
step.tensor @x : f32 [3, 35] input
step.tensor @y : f32 [35] output
%x = step.load @x : !step.stream<f32, [3, 35]>
%0 = step.bufferize %x rank 2 : !step.buffer<f32, [] of [3, 35]>
%1 = step.streamify %0 walk [1, 0] : !step.stream<f32, [35, 3]>
%y = step.accum add %1 over [1] from 5.000000e-01 : !step.stream<f32, [35]>
step.store %y in @y
