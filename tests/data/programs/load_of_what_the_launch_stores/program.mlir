// @t is stored and loaded, and nothing makes the load wait.
step.tensor @a : f32 [4, 8] input
step.tensor @t : f32 [4, 8] output
step.tensor @y : f32 [4, 8] output
%a = step.load @a : !step.stream<f32, [4, 8]>
%b = step.map add %a, 1.0 : !step.stream<f32, [4, 8]>
step.store %b in @t
%t = step.load @t : !step.stream<f32, [4, 8]>
step.store %t in @y
