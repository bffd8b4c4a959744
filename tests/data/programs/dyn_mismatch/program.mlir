// Two sizes that are known at launch alone are not equal because both are unknown.
step.dimension @n <= 9
step.dimension @m <= 9
step.tensor @x : f32 [9, 13] input
step.tensor @b : f32 [9, 13] input
step.tensor @y : f32 [9, 13] output
%x = step.load @x : !step.stream<f32, [n, 13]>
%b = step.load @b : !step.stream<f32, [m, 13]>
%y = step.map add %x, %b : !step.stream<f32, [n, 13]>
step.store %y in @y
