// Two stores to @y, and nothing says which comes first.
step.tensor @a : f32 [8] input
step.tensor @b : f32 [8] input
step.tensor @y : f32 [8] output
%a = step.load @a : !step.stream<f32, [8]>
%b = step.load @b : !step.stream<f32, [8]>
step.store %a in @y
step.store %b in @y
