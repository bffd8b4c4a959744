// y = max(a * b + 0.5, 0): a chain of elementwise operations.
step.tensor @a : f32 [6, 21] input
step.tensor @b : f32 [6, 21] input
step.tensor @y : f32 [6, 21] output
%a = step.load @a : !step.stream<f32, [6, 21]>
%b = step.load @b : !step.stream<f32, [6, 21]>
%sum = step.map muladd %a, %b, 0.5 : !step.stream<f32, [6, 21]>
%y = step.map max %sum, 0.0 : !step.stream<f32, [6, 21]>
step.store %y in @y
