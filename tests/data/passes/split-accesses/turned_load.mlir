// Rows lie along dimension 1 and the stream's last is 0: whole rows are loaded and read by columns.
// fabric: tiny
step.tensor @x : f32 [4, 8] input
step.tensor @y : f32 [8, 4] output
%y = step.load @x walk [1, 0] : !step.stream<f32, [8, 4]>
step.store %y in @y
// ----
step.tensor @x : f32 [4, 8] input
step.tensor @y : f32 [8, 4] output
%y = step.load @x : !step.stream<f32, [4, 8]>
%0 = step.bufferize %y rank 2 : !step.buffer<f32, [] of [4, 8]>
%y_1 = step.streamify %0 walk [1, 0] : !step.stream<f32, [8, 4]>
step.store %y_1 in @y
