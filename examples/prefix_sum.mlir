// Running sums down the columns of each matrix, and their exponentials.
step.tensor @x : f32 [3, 9, 14] input
step.tensor @y : f32 [3, 9, 14] output
step.tensor @e : f32 [3, 9, 14] output
%x = step.load @x : !step.stream<f32, [3, 9, 14]>
%y = step.scan add %x over [1] : !step.stream<f32, [3, 9, 14]>
%e = step.map exp %y : !step.stream<f32, [3, 9, 14]>
step.store %y in @y
step.store %e in @e
