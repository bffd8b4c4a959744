// What is stored and computed with, too, is ordered for the store alone: two buffers for three.
// fabric: tiny
step.tensor @x : f32 [2, 8] input
step.tensor @u : f32 [8, 48] weight
step.tensor @v : f32 [8, 48] weight
step.tensor @w : f32 [8, 48] weight
step.tensor @p : f32 [2, 48] output
step.tensor @y : f32 [2, 48] output
%x = step.load @x : !step.stream<f32, [2, 8]>
%u = step.load @u : !step.stream<f32, [8, 48]>
%v = step.load @v : !step.stream<f32, [8, 48]>
%w = step.load @w : !step.stream<f32, [8, 48]>
%a = step.matmul %x, %u : !step.stream<f32, [2, 48]>
%b = step.matmul %x, %v : !step.stream<f32, [2, 48]>
%c = step.matmul %x, %w : !step.stream<f32, [2, 48]>
%p = step.map mul %a, %b : !step.stream<f32, [2, 48]>
%y = step.map add %p, %c : !step.stream<f32, [2, 48]>
step.store %p in @p
step.store %y in @y
// ----
step.tensor @x : f32 [2, 8] input
step.tensor @u : f32 [8, 48] weight
step.tensor @v : f32 [8, 48] weight
step.tensor @w : f32 [8, 48] weight
step.tensor @p : f32 [2, 48] output
step.tensor @y : f32 [2, 48] output
%x = step.load @x : !step.stream<f32, [2, 8]>
%u = step.load @u walk [1, 0, 1] by [24, 1, 1] : !step.stream<f32, [2, 8, 24]>
%0 = step.expand %x along [0] : !step.stream<f32, [2, 2, 8]>
%a = step.matmul %0, %u : !step.stream<f32, [2, 2, 24]>
%v = step.load @v walk [1, 0, 1] by [24, 1, 1] : !step.stream<f32, [2, 8, 24]>
%1 = step.expand %x along [0] : !step.stream<f32, [2, 2, 8]>
%b = step.matmul %1, %v : !step.stream<f32, [2, 2, 24]>
%w = step.load @w walk [1, 0, 1] by [24, 1, 1] : !step.stream<f32, [2, 8, 24]>
%2 = step.expand %x along [0] : !step.stream<f32, [2, 2, 8]>
%c = step.matmul %2, %w : !step.stream<f32, [2, 2, 24]>
%p = step.map mul %a, %b : !step.stream<f32, [2, 2, 24]>
%3 = step.bufferize %p rank 3 : !step.buffer<f32, [] of [2, 2, 24]>
%4 = step.streamify %3 walk [1, 0, 2] : !step.stream<f32, [2, 2, 24]>
%p_1 = step.flatten %4 over [1, 2] : !step.stream<f32, [2, 48]>
%y = step.map add %p, %c : !step.stream<f32, [2, 2, 24]>
%5 = step.bufferize %y rank 3 : !step.buffer<f32, [] of [2, 2, 24]>
%6 = step.streamify %5 walk [1, 0, 2] : !step.stream<f32, [2, 2, 24]>
%y_1 = step.flatten %6 over [1, 2] : !step.stream<f32, [2, 48]>
step.store %p_1 in @p
step.store %y_1 in @y
