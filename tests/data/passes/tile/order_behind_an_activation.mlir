// Parts of two products meet as they come: one buffer behind the activation orders what two before it would have.
// fabric: tiny
step.tensor @x : f32 [2, 8] input
step.tensor @w : f32 [8, 48] weight
step.tensor @v : f32 [8, 48] weight
step.tensor @y : bf16 [2, 48] output
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
// ----
step.tensor @x : f32 [2, 8] input
step.tensor @w : f32 [8, 48] weight
step.tensor @v : f32 [8, 48] weight
step.tensor @y : bf16 [2, 48] output
%x = step.load @x : !step.stream<f32, [2, 8]>
%w = step.load @w walk [1, 0, 1] by [24, 1, 1] : !step.stream<f32, [2, 8, 24]>
%0 = step.expand %x along [0] : !step.stream<f32, [2, 2, 8]>
%gate = step.matmul %0, %w : !step.stream<f32, [2, 2, 24]>
%v = step.load @v walk [1, 0, 1] by [24, 1, 1] : !step.stream<f32, [2, 8, 24]>
%1 = step.expand %x along [0] : !step.stream<f32, [2, 2, 8]>
%up = step.matmul %1, %v : !step.stream<f32, [2, 2, 24]>
%open = step.map sigmoid %gate : !step.stream<f32, [2, 2, 24]>
%product = step.map mul %up, %open : !step.stream<f32, [2, 2, 24]>
%half = step.map mul %product, 5.000000e-01 : !step.stream<f32, [2, 2, 24]>
%y = step.convert %half : !step.stream<bf16, [2, 2, 24]>
%2 = step.bufferize %y rank 3 : !step.buffer<bf16, [] of [2, 2, 24]>
%3 = step.streamify %2 walk [1, 0, 2] : !step.stream<bf16, [2, 2, 24]>
%y_1 = step.flatten %3 over [1, 2] : !step.stream<bf16, [2, 48]>
step.store %y_1 in @y
