// Where only the launch knows the column, all of the row is loaded.
// fabric: tiny
step.dimension @n <= 12
step.tensor @x : f32 [3, 16] input
step.tensor @y : f32 [3, 4] output
%y = step.load @x from [0, n] : !step.stream<f32, [3, 4]>
step.store %y in @y
// ----
step.dimension @n <= 12
step.tensor @x : f32 [3, 16] input
step.tensor @y : f32 [3, 4] output
%y = step.load @x : !step.stream<f32, [3, 16]>
%0 = step.bufferize %y rank 1 : !step.buffer<f32, [3] of [16]>
%y_1 = step.streamify %0 from [n] : !step.stream<f32, [3, 4]>
step.store %y_1 in @y
