// A product with weights of four or eight bits takes one row: a product for each, joined.
// fabric: tiny
step.tensor @x : f32 [2, 32] input
step.tensor @w : int8 [32, 8] weight
step.tensor @y : f32 [2, 8] output
%x = step.load @x : !step.stream<f32, [2, 32]>
%w = step.load @w : !step.stream<int8, [32, 8]>
%y = step.matmul %x, %w : !step.stream<f32, [2, 8]>
step.store %y in @y
// ----
step.tensor @x : f32 [2, 32] input
step.tensor @w : int8 [32, 8] weight
step.tensor @y : f32 [2, 8] output
%x = step.load @x : !step.stream<f32, [2, 32]>
%w = step.load @w : !step.stream<int8, [32, 8]>
%0 = step.slice %x from [0, 0] : !step.stream<f32, [1, 32]>
%1 = step.flatten %0 over [0, 1] : !step.stream<f32, [32]>
%2 = step.matmul %1, %w : !step.stream<f32, [8]>
%3 = step.reshape %2 : !step.stream<f32, [1, 8]>
%4 = step.slice %x from [1, 0] : !step.stream<f32, [1, 32]>
%5 = step.flatten %4 over [0, 1] : !step.stream<f32, [32]>
%6 = step.matmul %5, %w : !step.stream<f32, [8]>
%7 = step.reshape %6 : !step.stream<f32, [1, 8]>
%y = step.concat %3, %7 over 0 : !step.stream<f32, [2, 8]>
step.store %y in @y
