// Of three parts with an empty one two are joined, of two the other is all there is; so it is with a merge.
// fabric: tiny
step.tensor @x : f32 [3, 8] input
step.tensor @which : i32 [3] input
step.tensor @y : f32 [6, 8] output
step.tensor @z : f32 [3, 8] output
%x = step.load @x : !step.stream<f32, [3, 8]>
%none = step.load @x : !step.stream<f32, [0, 8]>
%same = step.concat %none, %x over 0 : !step.stream<f32, [3, 8]>
%y = step.concat %same, %none, %x over 0 : !step.stream<f32, [6, 8]>
step.store %y in @y
%which = step.load @which : !step.stream<i32, [3]>
%z = step.merge %which of %none, %x : !step.stream<f32, [3, 8]>
step.store %z in @z
// ----
step.tensor @x : f32 [3, 8] input
step.tensor @which : i32 [3] input
step.tensor @y : f32 [6, 8] output
step.tensor @z : f32 [3, 8] output
%x = step.load @x : !step.stream<f32, [3, 8]>
%y = step.concat %x, %x over 0 : !step.stream<f32, [6, 8]>
step.store %y in @y
step.store %x in @z
