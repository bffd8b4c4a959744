// y = a @ b.
step.tensor @a : f32 [3, 10] input
step.tensor @b : f32 [10, 21] input
step.tensor @y : f32 [3, 21] output
%a = step.load @a : !step.stream<f32, [3, 10]>
%b = step.load @b : !step.stream<f32, [10, 21]>
%y = step.matmul %a, %b : !step.stream<f32, [3, 21]>
step.store %y in @y
