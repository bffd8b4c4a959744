// The mean of the first n rows, where every launch says what n is.
step.dimension @n <= 20
step.tensor @x : f32 [20, 15] input
step.tensor @y : f32 [15] output
%x = step.load @x : !step.stream<f32, [n, 15]>
%sum = step.accum add %x over [0] : !step.stream<f32, [15]>
%n = step.size @n : !step.stream<i32, []>
%count = step.convert %n : !step.stream<f32, []>
%counts = step.expand %count along [0] : !step.stream<f32, [15]>
%y = step.map div_approx %sum, %counts : !step.stream<f32, [15]>
step.store %y in @y
