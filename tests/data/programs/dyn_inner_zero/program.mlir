// The sums of the first n elements of each row, and a launch may say n = 0.
step.dimension @n <= 32
step.tensor @x : f32 [4, 32] input
step.tensor @y : f32 [4] output
%x = step.load @x : !step.stream<f32, [4, n]>
%y = step.accum add %x over [1] : !step.stream<f32, [4]>
step.store %y in @y
