// The sum of each of the first n rows.
step.dimension @n <= 9
step.tensor @x : f32 [9, 21] input
step.tensor @y : f32 [9] output
%x = step.load @x : !step.stream<f32, [n, 21]>
%y = step.accum add %x over [1] : !step.stream<f32, [n]>
step.store %y in @y
