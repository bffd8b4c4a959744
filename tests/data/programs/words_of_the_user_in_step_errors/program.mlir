// A size that nothing declares.
step.tensor @a : f32 [4, 8] input
step.tensor @y : f32 [4, 8] output
%a = step.load @a : !step.stream<f32, [n, 8]>
step.store %a in @y
