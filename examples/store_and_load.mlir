// What is stored can be loaded again: the token of the store makes the load wait for it.
step.tensor @x : f32 [6, 10] input
step.tensor @half : f32 [6, 10] output
step.tensor @y : f32 [10, 6] output
%x = step.load @x : !step.stream<f32, [6, 10]>
%half = step.map mul %x, 0.5 : !step.stream<f32, [6, 10]>
%stored = step.store %half in @half -> !step.token
%turned = step.load @half walk [1, 0] after %stored : !step.stream<f32, [10, 6]>
step.store %turned in @y
