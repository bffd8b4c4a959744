// A slice of what is computed is a buffer read from its corner on, of the dimensions from the first that is cut.
// fabric: tiny
step.tensor @x : f32 [2, 6, 8] input
step.tensor @y : f32 [2, 3, 8] output
%x = step.load @x : !step.stream<f32, [2, 6, 8]>
%square = step.map mul %x, %x : !step.stream<f32, [2, 6, 8]>
%all = step.slice %square from [0, 0, 0] : !step.stream<f32, [2, 6, 8]>
%y = step.slice %all from [0, 1, 0] : !step.stream<f32, [2, 3, 8]>
step.store %y in @y
// ----
step.tensor @x : f32 [2, 6, 8] input
step.tensor @y : f32 [2, 3, 8] output
%x = step.load @x : !step.stream<f32, [2, 6, 8]>
%square = step.map mul %x, %x : !step.stream<f32, [2, 6, 8]>
%0 = step.bufferize %square rank 2 : !step.buffer<f32, [2] of [6, 8]>
%y = step.streamify %0 from [1, 0] : !step.stream<f32, [2, 3, 8]>
step.store %y in @y
