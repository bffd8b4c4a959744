// Memory is never walked backwards: the buffer stays.
// fabric: tiny
step.tensor @x : f32 [6, 8] input
step.tensor @y : f32 [6, 8] output
%x = step.load @x : !step.stream<f32, [6, 8]>
%rows = step.bufferize %x rank 2 : !step.buffer<f32, [] of [6, 8]>
%back = step.streamify %rows by [-1, 1] from [5, 0] : !step.stream<f32, [6, 8]>
step.store %back in @y
// ----
step.tensor @x : f32 [6, 8] input
step.tensor @y : f32 [6, 8] output
%x = step.load @x : !step.stream<f32, [6, 8]>
%rows = step.bufferize %x rank 2 : !step.buffer<f32, [] of [6, 8]>
%back = step.streamify %rows by [-1, 1] from [5, 0] : !step.stream<f32, [6, 8]>
step.store %back in @y
