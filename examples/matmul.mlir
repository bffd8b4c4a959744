// y = x @ w, with weights in bf16.
step.tensor @x : f32 [5, 24] input
step.tensor @w : bf16 [24, 20] input
step.tensor @y : f32 [5, 20] output
%x = step.load @x : !step.stream<f32, [5, 24]>
%w = step.load @w : !step.stream<bf16, [24, 20]>
%y = step.matmul %x, %w : !step.stream<f32, [5, 20]>
step.store %y in @y
