// n becomes 3 in types, in walks and in slices; m stays. The number itself, which step.size gives, is still one that
// the launch brings.
// sizes: n=3
step.dimension @n <= 8
step.dimension @m <= 4
step.tensor @x : f32 [12, 8] input
step.tensor @y : f32 [8, 4] output
step.tensor @count : i32 [1] output
%x = step.load @x from [n + m, 0] : !step.stream<f32, [n, 8]>
%row = step.bufferize %x rank 1 : !step.buffer<f32, [n] of [8]>
%part = step.streamify %row from [n] : !step.stream<f32, [n, n + 1]>
%last = step.slice %part from [0, n] : !step.stream<f32, [n, 1]>
%held = step.expand %last along [2] : !step.stream<f32, [n, 1, n + 1]>
%y = step.flatten %held over [1, 2] : !step.stream<f32, [n, n + 1]>
step.store %y in @y
%size = step.size @n : !step.stream<i32, []>
%count = step.reshape %size : !step.stream<i32, [1]>
step.store %count in @count
// ----
step.dimension @n <= 8
step.dimension @m <= 4
step.tensor @x : f32 [12, 8] input
step.tensor @y : f32 [8, 4] output
step.tensor @count : i32 [1] output
%x = step.load @x from [m + 3, 0] : !step.stream<f32, [3, 8]>
%row = step.bufferize %x rank 1 : !step.buffer<f32, [3] of [8]>
%part = step.streamify %row from [3] : !step.stream<f32, [3, 4]>
%last = step.slice %part from [0, 3] : !step.stream<f32, [3, 1]>
%held = step.expand %last along [2] : !step.stream<f32, [3, 1, 4]>
%y = step.flatten %held over [1, 2] : !step.stream<f32, [3, 4]>
step.store %y in @y
%size = step.size @n : !step.stream<i32, []>
%count = step.reshape %size : !step.stream<i32, [1]>
step.store %count in @count
