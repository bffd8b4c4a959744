// The gate is stored, too: two buffers before the activation would be two behind it, so they stay.
// fabric: tiny
step.tensor @x : f32 [2, 8] input
step.tensor @w : f32 [8, 48] weight
step.tensor @v : f32 [8, 48] weight
step.tensor @y : bf16 [2, 48] output
step.tensor @g : f32 [2, 48] output
%x = step.load @x : !step.stream<f32, [2, 8]>
%w = step.load @w : !step.stream<f32, [8, 48]>
%v = step.load @v : !step.stream<f32, [8, 48]>
%gate = step.matmul %x, %w : !step.stream<f32, [2, 48]>
%up = step.matmul %x, %v : !step.stream<f32, [2, 48]>
%open = step.map sigmoid %gate : !step.stream<f32, [2, 48]>
%product = step.map mul %up, %open : !step.stream<f32, [2, 48]>
%half = step.map mul %product, 0.5 : !step.stream<f32, [2, 48]>
%y = step.convert %half : !step.stream<bf16, [2, 48]>
step.store %y in @y
step.store %gate in @g
// ----
step.tensor @x : f32 [2, 8] input
step.tensor @w : f32 [8, 48] weight
step.tensor @v : f32 [8, 48] weight
step.tensor @y : bf16 [2, 48] output
step.tensor @g : f32 [2, 48] output
%x = step.load @x : !step.stream<f32, [2, 8]>
%w = step.load @w walk [1, 0, 1] by [24, 1, 1] : !step.stream<f32, [2, 8, 24]>
%0 = step.expand %x along [0] : !step.stream<f32, [2, 2, 8]>
%gate = step.matmul %0, %w : !step.stream<f32, [2, 2, 24]>
%1 = step.bufferize %gate rank 3 : !step.buffer<f32, [] of [2, 2, 24]>
%2 = step.streamify %1 walk [1, 0, 2] : !step.stream<f32, [2, 2, 24]>
%gate_1 = step.flatten %2 over [1, 2] : !step.stream<f32, [2, 48]>
%v = step.load @v walk [1, 0, 1] by [24, 1, 1] : !step.stream<f32, [2, 8, 24]>
%3 = step.expand %x along [0] : !step.stream<f32, [2, 2, 8]>
%up = step.matmul %3, %v : !step.stream<f32, [2, 2, 24]>
%4 = step.bufferize %up rank 3 : !step.buffer<f32, [] of [2, 2, 24]>
%5 = step.streamify %4 walk [1, 0, 2] : !step.stream<f32, [2, 2, 24]>
%up_1 = step.flatten %5 over [1, 2] : !step.stream<f32, [2, 48]>
%open = step.map sigmoid %gate_1 : !step.stream<f32, [2, 48]>
%product = step.map mul %up_1, %open : !step.stream<f32, [2, 48]>
%half = step.map mul %product, 5.000000e-01 : !step.stream<f32, [2, 48]>
%y = step.convert %half : !step.stream<bf16, [2, 48]>
step.store %y in @y
step.store %gate_1 in @g
