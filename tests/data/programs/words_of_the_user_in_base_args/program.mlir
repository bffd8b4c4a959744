// A place to begin at that nothing declares.
step.tensor @a : f32 [4, 8] input
step.tensor @y : f32 [4, 8] output
%a = step.load @a from [first, 0] : !step.stream<f32, [2, 8]>
step.store %a in @y
