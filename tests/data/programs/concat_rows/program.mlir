// The rows of one matrix, then those of another. @key is what an older form of this program merged them by.
step.tensor @a : f32 [3, 12] input
step.tensor @b : f32 [3, 12] input
step.tensor @key : i32 [6] input
step.tensor @y : f32 [6, 12] output
%a = step.load @a : !step.stream<f32, [3, 12]>
%b = step.load @b : !step.stream<f32, [3, 12]>
%y = step.concat %a, %b over 0 : !step.stream<f32, [6, 12]>
step.store %y in @y
