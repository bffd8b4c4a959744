// Arithmetic of whole numbers: the difference cut off at 0 to 100, and its sum over each row.
step.tensor @a : i32 [5, 14] input
step.tensor @b : i32 [5, 14] input
step.tensor @y : i32 [5, 14] output
step.tensor @sum : i32 [5] output
%a = step.load @a : !step.stream<i32, [5, 14]>
%b = step.load @b : !step.stream<i32, [5, 14]>
%difference = step.map sub %a, %b : !step.stream<i32, [5, 14]>
%low = step.map max %difference, 0 : !step.stream<i32, [5, 14]>
%y = step.map min %low, 100 : !step.stream<i32, [5, 14]>
%sum = step.accum add %y over [1] : !step.stream<i32, [5]>
step.store %y in @y
step.store %sum in @sum
