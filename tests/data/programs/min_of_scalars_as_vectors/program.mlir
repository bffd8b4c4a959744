// The smallest of the sums of the rows of each matrix.
step.tensor @x : f32 [5, 13, 9] input
step.tensor @y : f32 [5] output
%x = step.load @x : !step.stream<f32, [5, 13, 9]>
%sums = step.accum add %x over [2] : !step.stream<f32, [5, 13]>
%y = step.accum min %sums over [1] : !step.stream<f32, [5]>
step.store %y in @y
