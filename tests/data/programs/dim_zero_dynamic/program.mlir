// The first n rows doubled, and a launch may say n = 0.
step.dimension @n <= 9
step.tensor @x : f32 [9, 21] input
step.tensor @y : f32 [9, 21] output
%x = step.load @x : !step.stream<f32, [n, 21]>
%y = step.map mul %x, 2.0 : !step.stream<f32, [n, 21]>
step.store %y in @y
