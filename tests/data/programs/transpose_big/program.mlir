// The transpose of a matrix, by way of a buffer.
step.tensor @x : f32 [128, 128] input
step.tensor @y : f32 [128, 128] output
%x = step.load @x : !step.stream<f32, [128, 128]>
%matrix = step.bufferize %x rank 2 : !step.buffer<f32, [] of [128, 128]>
%y = step.streamify %matrix walk [1, 0] : !step.stream<f32, [128, 128]>
step.store %y in @y
