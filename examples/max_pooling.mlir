// The largest element of each block of 2 x 2: windows that do not overlap.
step.tensor @x : f32 [10, 14] input
step.tensor @y : f32 [5, 7] output
%blocks = step.load @x walk [0, 1, 0, 1] by [2, 2, 1, 1] : !step.stream<f32, [5, 7, 2, 2]>
%y = step.accum max %blocks over [2, 3] : !step.stream<f32, [5, 7]>
step.store %y in @y
