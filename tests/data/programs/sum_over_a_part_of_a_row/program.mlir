// The sums of the first five numbers of each row of eight.
step.tensor @x : f32 [2, 8] input
step.tensor @y : f32 [2] output
%x = step.load @x : !step.stream<f32, [2, 5]>
%y = step.accum add %x over [1] : !step.stream<f32, [2]>
step.store %y in @y
