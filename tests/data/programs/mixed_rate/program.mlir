// x + its own elements one by one: rows of 22 and a stream of 88 are not one type.
step.tensor @x : f32 [4, 22] input
step.tensor @y : f32 [4, 22] output
%x = step.load @x : !step.stream<f32, [4, 22]>
%single = step.flatten %x over [0, 1] : !step.stream<f32, [88]>
%y = step.map add %x, %single : !step.stream<f32, [4, 22]>
step.store %y in @y
