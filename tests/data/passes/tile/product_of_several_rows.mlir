// 12 beats of columns in 8 accumulators are two tiles of 6; a buffer puts the rows' parts side by side.
// fabric: tiny
step.tensor @x : f32 [2, 8] input
step.tensor @w : f32 [8, 48] weight
step.tensor @y : f32 [2, 48] output
%x = step.load @x : !step.stream<f32, [2, 8]>
%w = step.load @w : !step.stream<f32, [8, 48]>
%y = step.matmul %x, %w : !step.stream<f32, [2, 48]>
step.store %y in @y
// ----
step.tensor @x : f32 [2, 8] input
step.tensor @w : f32 [8, 48] weight
step.tensor @y : f32 [2, 48] output
%x = step.load @x : !step.stream<f32, [2, 8]>
%w = step.load @w walk [1, 0, 1] by [24, 1, 1] : !step.stream<f32, [2, 8, 24]>
%0 = step.expand %x along [0] : !step.stream<f32, [2, 2, 8]>
%y = step.matmul %0, %w : !step.stream<f32, [2, 2, 24]>
%1 = step.bufferize %y rank 3 : !step.buffer<f32, [] of [2, 2, 24]>
%2 = step.streamify %1 walk [1, 0, 2] : !step.stream<f32, [2, 2, 24]>
%y_1 = step.flatten %2 over [1, 2] : !step.stream<f32, [2, 48]>
step.store %y_1 in @y
