// The sums of x + 1 over rows of five.
step.tensor @x : f32 [2, 5] input
step.tensor @y : f32 [2] output
%x = step.load @x : !step.stream<f32, [2, 5]>
%more = step.map add %x, 1.0 : !step.stream<f32, [2, 5]>
%y = step.accum add %more over [1] : !step.stream<f32, [2]>
step.store %y in @y
