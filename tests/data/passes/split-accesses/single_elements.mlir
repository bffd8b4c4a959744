// One element of each row: a row of one, that begins where the row does.
// fabric: tiny
step.tensor @x : f32 [4] input
step.tensor @y : f32 [4, 8] output
%x = step.load @x : !step.stream<f32, [4]>
step.store %x in @y walk [0]
// ----
step.tensor @x : f32 [4] input
step.tensor @y : f32 [4, 8] output
%x = step.load @x : !step.stream<f32, [4]>
%0 = step.reshape %x : !step.stream<f32, [4, 1]>
step.store %0 in @y
