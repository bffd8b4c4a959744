// A scan is not cut (each tile would need it all): its rows are kept, and tiles of them are read.
// fabric: tiny
step.tensor @x : f32 [3, 48] input
step.tensor @y : f32 [48] output
%x = step.load @x : !step.stream<f32, [3, 48]>
%so_far = step.scan add %x over [1] : !step.stream<f32, [3, 48]>
%sum = step.accum max %so_far over [0] : !step.stream<f32, [48]>
step.store %sum in @y
// ----
step.tensor @x : f32 [3, 48] input
step.tensor @y : f32 [48] output
%x = step.load @x : !step.stream<f32, [3, 48]>
%so_far = step.scan add %x over [1] : !step.stream<f32, [3, 48]>
%0 = step.bufferize %so_far rank 2 : !step.buffer<f32, [] of [3, 48]>
%so_far_1 = step.streamify %0 walk [1, 0, 1] by [24, 1, 1] : !step.stream<f32, [2, 3, 24]>
%1 = step.accum max %so_far_1 over [1] : !step.stream<f32, [2, 24]>
%sum = step.flatten %1 over [0, 1] : !step.stream<f32, [48]>
step.store %sum in @y
