// What is read again comes out of a PMU, for memory is read once; what no PMU holds (65 lines, not 64) is loaded again.
// fabric: tiny
step.tensor @few : f32 [64, 4] input
step.tensor @many : f32 [65, 4] input
step.tensor @y : f32 [2, 64, 4] output
step.tensor @z : f32 [2, 65, 4] output
%few = step.load @few : !step.stream<f32, [64, 4]>
%kept = step.bufferize %few rank 2 : !step.buffer<f32, [] of [64, 4]>
%y = step.streamify %kept walk [_, 0, 1] : !step.stream<f32, [2, 64, 4]>
step.store %y in @y
%many = step.load @many : !step.stream<f32, [65, 4]>
%block = step.bufferize %many rank 2 : !step.buffer<f32, [] of [65, 4]>
%z = step.streamify %block walk [_, 0, 1] : !step.stream<f32, [2, 65, 4]>
step.store %z in @z
// ----
step.tensor @few : f32 [64, 4] input
step.tensor @many : f32 [65, 4] input
step.tensor @y : f32 [2, 64, 4] output
step.tensor @z : f32 [2, 65, 4] output
%few = step.load @few : !step.stream<f32, [64, 4]>
%kept = step.bufferize %few rank 2 : !step.buffer<f32, [] of [64, 4]>
%y = step.streamify %kept walk [_, 0, 1] : !step.stream<f32, [2, 64, 4]>
step.store %y in @y
%z = step.load @many walk [_, 0, 1] : !step.stream<f32, [2, 65, 4]>
step.store %z in @z
