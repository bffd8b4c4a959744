// The mean of each element of a row and the four before it.
step.tensor @x : f32 [4, 21] input
step.tensor @y : f32 [4, 17] output
%windows = step.load @x walk [0, 1, 1] : !step.stream<f32, [4, 17, 5]>
%sum = step.accum add %windows over [2] : !step.stream<f32, [4, 17]>
%y = step.map mul %sum, 0.2 : !step.stream<f32, [4, 17]>
step.store %y in @y
