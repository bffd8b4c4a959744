// A 3 x 3 stencil: each window of an image times the same nine weights, summed. Two dimensions walk the rows, and two
// the columns, so windows overlap.
step.tensor @x : f32 [10, 12] input
step.tensor @w : f32 [3, 3] input
step.tensor @y : f32 [8, 10] output
%x = step.load @x : !step.stream<f32, [10, 12]>
%image = step.bufferize %x rank 2 : !step.buffer<f32, [] of [10, 12]>
%windows = step.streamify %image walk [0, 1, 0, 1] : !step.stream<f32, [8, 10, 3, 3]>
%taps = step.load @w walk [_, _, 0, 1] : !step.stream<f32, [8, 10, 3, 3]>
%terms = step.map mul %windows, %taps : !step.stream<f32, [8, 10, 3, 3]>
%y = step.accum add %terms over [2, 3] : !step.stream<f32, [8, 10]>
step.store %y in @y
