// A vector's product takes each weight once: a multiplication by numbers that are held, and a sum.
// fabric: tiny
step.tensor @x : f32 [8] input
step.tensor @w : bf16 [8, 12] weight
step.tensor @y : f32 [12] output
%x = step.load @x : !step.stream<f32, [8]>
%w = step.load @w : !step.stream<bf16, [8, 12]>
%y = step.matmul %x, %w : !step.stream<f32, [12]>
step.store %y in @y
// ----
step.tensor @x : f32 [8] input
step.tensor @w : bf16 [8, 12] weight
step.tensor @y : f32 [12] output
%x = step.load @x : !step.stream<f32, [8]>
%w = step.load @w : !step.stream<bf16, [8, 12]>
%0 = step.expand %x along [1] : !step.stream<f32, [8, 12]>
%1 = step.map mul %w, %0 : !step.stream<f32, [8, 12]>
%y = step.accum add %1 over [0] : !step.stream<f32, [12]>
step.store %y in @y
