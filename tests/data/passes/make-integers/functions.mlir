// b < a is the contrary of a <= b, and the lesser is chosen by a < b; what a PCU has, and floats, stay.
step.tensor @a : i32 [8] input
step.tensor @x : f32 [8] input
step.tensor @y : i32 [8] output
step.tensor @z : f32 [8] output
%a = step.load @a : !step.stream<i32, [8]>
%x = step.load @x : !step.stream<f32, [8]>
%low = step.map max %a, -3 : !step.stream<i32, [8]>
%y = step.map min %low, 100 : !step.stream<i32, [8]>
step.store %y in @y
%small = step.map le %a, %y : !step.stream<f32, [8]>
%z = step.map min %small, %x : !step.stream<f32, [8]>
step.store %z in @z
// ----
step.tensor @a : i32 [8] input
step.tensor @x : f32 [8] input
step.tensor @y : i32 [8] output
step.tensor @z : f32 [8] output
%a = step.load @a : !step.stream<i32, [8]>
%x = step.load @x : !step.stream<f32, [8]>
%low = step.map max %a, -3 : !step.stream<i32, [8]>
%0 = step.map lt %low, 100 : !step.stream<f32, [8]>
%y = step.map select %0, %low, 100 : !step.stream<i32, [8]>
step.store %y in @y
%1 = step.map lt %y, %a : !step.stream<f32, [8]>
%small = step.map eq %1, 0.000000e+00 : !step.stream<f32, [8]>
%z = step.map min %small, %x : !step.stream<f32, [8]>
step.store %z in @z
