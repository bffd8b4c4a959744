// Three matrix products, one for each index of the outermost dimension.
step.tensor @a : f32 [3, 5, 12] input
step.tensor @b : f32 [3, 12, 7] input
step.tensor @y : f32 [3, 5, 7] output
%a = step.load @a : !step.stream<f32, [3, 5, 12]>
%b = step.load @b : !step.stream<f32, [3, 12, 7]>
%y = step.matmul %a, %b : !step.stream<f32, [3, 5, 7]>
step.store %y in @y
