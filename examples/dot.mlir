// The dot product of two vectors.
step.tensor @a : f32 [45] input
step.tensor @b : f32 [45] input
step.tensor @y : f32 [1] output
%a = step.load @a : !step.stream<f32, [45]>
%b = step.load @b : !step.stream<f32, [45]>
%terms = step.map mul %a, %b : !step.stream<f32, [45]>
%dot = step.accum add %terms over [0] : !step.stream<f32, []>
%y = step.promote %dot : !step.stream<f32, [1]>
step.store %y in @y
