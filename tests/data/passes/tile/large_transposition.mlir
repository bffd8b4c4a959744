// 24 rows of 3 beats are 72 lines of 64: two beats of columns at a time would be 48, but only one divides three.
// fabric: tiny
step.tensor @x : f32 [24, 12] input
step.tensor @y : f32 [12, 24] output
%x = step.load @x : !step.stream<f32, [24, 12]>
%block = step.bufferize %x rank 2 : !step.buffer<f32, [] of [24, 12]>
%y = step.streamify %block walk [1, 0] : !step.stream<f32, [12, 24]>
step.store %y in @y
// ----
step.tensor @x : f32 [24, 12] input
step.tensor @y : f32 [12, 24] output
%x = step.load @x walk [1, 0, 1] by [4, 1, 1] : !step.stream<f32, [3, 24, 4]>
%0 = step.bufferize %x rank 2 : !step.buffer<f32, [3] of [24, 4]>
%1 = step.streamify %0 walk [1, 0] : !step.stream<f32, [3, 4, 24]>
%y = step.flatten %1 over [0, 1] : !step.stream<f32, [12, 24]>
step.store %y in @y
