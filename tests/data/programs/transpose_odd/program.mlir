// The transpose of a matrix, by way of a buffer.
step.tensor @x : f32 [10, 13] input
step.tensor @y : f32 [13, 10] output
%x = step.load @x : !step.stream<f32, [10, 13]>
%matrix = step.bufferize %x rank 2 : !step.buffer<f32, [] of [10, 13]>
%y = step.streamify %matrix walk [1, 0] : !step.stream<f32, [13, 10]>
step.store %y in @y
