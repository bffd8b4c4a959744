// A 3 x 3 convolution of three channels to four.
step.tensor @x : f32 [3, 7, 9] input
step.tensor @w : f32 [4, 3, 3, 3] weight
step.tensor @y : f32 [4, 5, 7] output
%windows = step.load @x walk [_, 1, 2, 0, 1, 2] : !step.stream<f32, [4, 5, 7, 3, 3, 3]>
%taps = step.load @w walk [0, _, _, 1, 2, 3] : !step.stream<f32, [4, 5, 7, 3, 3, 3]>
%terms = step.map mul %windows, %taps : !step.stream<f32, [4, 5, 7, 3, 3, 3]>
%y = step.accum add %terms over [3, 4, 5] : !step.stream<f32, [4, 5, 7]>
step.store %y in @y
