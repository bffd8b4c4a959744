// y = x * x + x + b.
step.tensor @x : f32 [4, 13] input
step.tensor @b : f32 [4, 13] input
step.tensor @y : f32 [4, 13] output
%x = step.load @x : !step.stream<f32, [4, 13]>
%square = step.map mul %x, %x : !step.stream<f32, [4, 13]>
%sum = step.map add %square, %x : !step.stream<f32, [4, 13]>
%b = step.load @b : !step.stream<f32, [4, 13]>
%y = step.map add %sum, %b : !step.stream<f32, [4, 13]>
step.store %y in @y
