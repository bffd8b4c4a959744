// A buffer that is read as it was written is none, and what nothing takes is not computed.
// fabric: tiny
step.tensor @x : f32 [3, 8] input
step.tensor @y : f32 [3, 8] output
%x = step.load @x : !step.stream<f32, [3, 8]>
%square = step.map mul %x, %x : !step.stream<f32, [3, 8]>
%rows = step.bufferize %square rank 1 : !step.buffer<f32, [3] of [8]>
%y = step.streamify %rows : !step.stream<f32, [3, 8]>
%same = step.convert %y : !step.stream<f32, [3, 8]>
%unused = step.map add %same, 1.0 : !step.stream<f32, [3, 8]>
step.store %same in @y
// ----
step.tensor @x : f32 [3, 8] input
step.tensor @y : f32 [3, 8] output
%x = step.load @x : !step.stream<f32, [3, 8]>
%square = step.map mul %x, %x : !step.stream<f32, [3, 8]>
step.store %square in @y
