// The sums of 1024 columns.
step.tensor @x : f32 [10, 1024] input
step.tensor @y : f32 [1024] output
%x = step.load @x : !step.stream<f32, [10, 1024]>
%y = step.accum add %x over [0] : !step.stream<f32, [1024]>
step.store %y in @y
