// A buffer behind a load is a walk of the load: from 1 on in steps of 2, the second is 3. Only if rows are walked in
// one go: windows in rows, and single elements of them, still come out of the buffer.
// fabric: tiny
step.tensor @x : f32 [8, 6, 4] input
step.tensor @y : f32 [3, 2, 4] output
step.tensor @z : f32 [6, 3, 2] output
step.tensor @single : f32 [6] output
%x = step.load @x by [2, 1, 1] from [1, 0, 0] : !step.stream<f32, [3, 6, 4]>
%rows = step.bufferize %x rank 3 : !step.buffer<f32, [] of [3, 6, 4]>
%odd = step.streamify %rows walk [1, 0, 2] by [2, 1, 1] from [1, 1, 0] : !step.stream<f32, [3, 2, 4]>
step.store %odd in @y
%one = step.load @x walk [1, 2] : !step.stream<f32, [6, 4]>
%block = step.bufferize %one rank 2 : !step.buffer<f32, [] of [6, 4]>
%pairs = step.streamify %block walk [0, 1, 1] : !step.stream<f32, [6, 3, 2]>
step.store %pairs in @z
%first = step.streamify %block walk [0] : !step.stream<f32, [6]>
step.store %first in @single
// ----
step.tensor @x : f32 [8, 6, 4] input
step.tensor @y : f32 [3, 2, 4] output
step.tensor @z : f32 [6, 3, 2] output
step.tensor @single : f32 [6] output
%odd = step.load @x walk [1, 0, 2] by [2, 2, 1] from [3, 1, 0] : !step.stream<f32, [3, 2, 4]>
step.store %odd in @y
%one = step.load @x walk [1, 2] : !step.stream<f32, [6, 4]>
%block = step.bufferize %one rank 2 : !step.buffer<f32, [] of [6, 4]>
%pairs = step.streamify %block walk [0, 1, 1] : !step.stream<f32, [6, 3, 2]>
step.store %pairs in @z
%first = step.streamify %block walk [0] : !step.stream<f32, [6]>
step.store %first in @single
