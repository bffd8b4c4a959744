// 9 beats in 8 accumulators: the rows become the innermost dimension, and are turned back.
// fabric: tiny
step.tensor @x : f32 [3, 36] input
step.tensor @y : f32 [3, 36] output
%x = step.load @x : !step.stream<f32, [3, 36]>
%y = step.scan add %x over [0] : !step.stream<f32, [3, 36]>
step.store %y in @y
// ----
step.tensor @x : f32 [3, 36] input
step.tensor @y : f32 [3, 36] output
%x = step.load @x : !step.stream<f32, [3, 36]>
%0 = step.bufferize %x rank 2 : !step.buffer<f32, [] of [3, 36]>
%1 = step.streamify %0 walk [1, 0] : !step.stream<f32, [36, 3]>
%2 = step.scan add %1 over [1] : !step.stream<f32, [36, 3]>
%3 = step.bufferize %2 rank 2 : !step.buffer<f32, [] of [36, 3]>
%y = step.streamify %3 walk [1, 0] : !step.stream<f32, [3, 36]>
step.store %y in @y
