// The dimensions of a tensor in another order: y[c, a, b] = x[a, b, c].
step.tensor @x : f32 [4, 6, 5] input
step.tensor @y : f32 [5, 4, 6] output
%y = step.load @x walk [2, 0, 1] : !step.stream<f32, [5, 4, 6]>
step.store %y in @y
