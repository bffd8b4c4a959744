// [2, 3, 13] becomes [2, 39].
step.tensor @x : f32 [2, 3, 13] input
step.tensor @y : f32 [2, 39] output
%x = step.load @x : !step.stream<f32, [2, 3, 13]>
%same = step.map add %x, 0.0 : !step.stream<f32, [2, 3, 13]>
%y = step.flatten %same over [1, 2] : !step.stream<f32, [2, 39]>
step.store %y in @y
