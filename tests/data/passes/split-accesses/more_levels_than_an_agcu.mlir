// Five dimensions in four loops: all of the tensor is loaded, and walked in a PMU.
// fabric: tiny
step.tensor @x : f32 [2, 4, 8] input
step.tensor @y : f32 [8, 8] output
%windows = step.load @x walk [_, 0, 1, 1, 2] : !step.stream<f32, [2, 2, 1, 2, 8]>
%y = step.flatten %windows over [0, 1, 2, 3] : !step.stream<f32, [8, 8]>
step.store %y in @y
// ----
step.tensor @x : f32 [2, 4, 8] input
step.tensor @y : f32 [8, 8] output
%x = step.load @x : !step.stream<f32, [2, 4, 8]>
%0 = step.bufferize %x rank 3 : !step.buffer<f32, [] of [2, 4, 8]>
%windows = step.streamify %0 walk [_, 0, 1, 1, 2] : !step.stream<f32, [2, 2, 1, 2, 8]>
%y = step.flatten %windows over [0, 1, 2, 3] : !step.stream<f32, [8, 8]>
step.store %y in @y
