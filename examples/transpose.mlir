// Transposed matrices: each of three small ones in a buffer of its own, and one whole tensor.
step.tensor @x : f32 [3, 10, 3] input
step.tensor @w : f32 [8, 16] input
step.tensor @y : f32 [3, 3, 10] output
step.tensor @v : f32 [16, 8] output
%x = step.load @x : !step.stream<f32, [3, 10, 3]>
%small = step.bufferize %x rank 2 : !step.buffer<f32, [3] of [10, 3]>
%y = step.streamify %small walk [1, 0] : !step.stream<f32, [3, 3, 10]>
step.store %y in @y
%w = step.load @w : !step.stream<f32, [8, 16]>
%wide = step.bufferize %w rank 2 : !step.buffer<f32, [] of [8, 16]>
%v = step.streamify %wide walk [1, 0] : !step.stream<f32, [16, 8]>
step.store %v in @v
