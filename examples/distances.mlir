// The squared distance of each point of one set from each of another.
step.tensor @a : f32 [9, 5] input
step.tensor @b : f32 [7, 5] input
step.tensor @y : f32 [9, 7] output
%a = step.load @a walk [0, _, 1] : !step.stream<f32, [9, 7, 5]>
%b = step.load @b walk [_, 0, 1] : !step.stream<f32, [9, 7, 5]>
%difference = step.map sub %a, %b : !step.stream<f32, [9, 7, 5]>
%squares = step.map mul %difference, %difference : !step.stream<f32, [9, 7, 5]>
%y = step.accum add %squares over [2] : !step.stream<f32, [9, 7]>
step.store %y in @y
