// Elements 6, 9 and 12 of each row lie in the beats from 4 on, up to element 12.
// fabric: tiny
step.tensor @x : f32 [3, 16] input
step.tensor @y : f32 [3, 3] output
%y = step.load @x by [1, 3] from [0, 6] : !step.stream<f32, [3, 3]>
step.store %y in @y
// ----
step.tensor @x : f32 [3, 16] input
step.tensor @y : f32 [3, 3] output
%y = step.load @x from [0, 4] : !step.stream<f32, [3, 9]>
%0 = step.bufferize %y rank 1 : !step.buffer<f32, [3] of [9]>
%y_1 = step.streamify %0 by [3] from [2] : !step.stream<f32, [3, 3]>
step.store %y_1 in @y
