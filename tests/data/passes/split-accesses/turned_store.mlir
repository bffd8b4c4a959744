// The stream goes down columns, and memory takes rows: a buffer turns it.
// fabric: tiny
step.tensor @x : f32 [8, 4] input
step.tensor @y : f32 [4, 8] output
%x = step.load @x : !step.stream<f32, [8, 4]>
step.store %x in @y walk [1, 0]
// ----
step.tensor @x : f32 [8, 4] input
step.tensor @y : f32 [4, 8] output
%x = step.load @x : !step.stream<f32, [8, 4]>
%0 = step.bufferize %x rank 2 : !step.buffer<f32, [] of [8, 4]>
%1 = step.streamify %0 walk [1, 0] : !step.stream<f32, [4, 8]>
step.store %1 in @y
