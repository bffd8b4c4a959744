// Elements 5, 7 and 9 lie in two beats, from 4 on: the row of these is stored, with zeros beside them.
// fabric: tiny
step.tensor @x : f32 [3, 3] input
step.tensor @y : f32 [3, 16] output
%x = step.load @x : !step.stream<f32, [3, 3]>
step.store %x in @y by [1, 2] from [0, 5]
// ----
step.tensor @x : f32 [3, 3] input
step.tensor @y : f32 [3, 16] output
%x = step.load @x : !step.stream<f32, [3, 3]>
%0 = step.place %x from 1 by 2 : !step.stream<f32, [3, 8]>
step.store %0 in @y from [0, 4]
