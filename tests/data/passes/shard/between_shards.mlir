// shards: 2
// What is cut along one dimension is wanted along another, as a whole, and as a reduction over the cut.
step.tensor @x : f32 [4, 6] input
step.tensor @y : f32 [4, 6] output
step.tensor @turned : f32 [6, 4] output
step.tensor @sum : f32 [6] output
%x = step.load @x : !step.stream<f32, [4, 6]>
%y = step.map mul %x, 2.0 : !step.stream<f32, [4, 6]>
%held = step.bufferize %y rank 2 : !step.buffer<f32, [] of [4, 6]>
%turned = step.streamify %held walk [1, 0] : !step.stream<f32, [6, 4]>
%sum = step.accum add %y over [0] from 1.0 : !step.stream<f32, [6]>
%part = step.slice %turned from [0, 1] : !step.stream<f32, [6, 2]>
%few = step.accum add %part over [1] : !step.stream<f32, [6]>
%both = step.map add %sum, %few : !step.stream<f32, [6]>
step.store %y in @y
step.store %turned in @turned
step.store %both in @sum
// ----
step.tensor @x_0 : f32 [2, 6] input shard 0 of 2 of @x from [0, 0] to [2, 6]
step.tensor @x_1 : f32 [2, 6] input shard 1 of 2 of @x from [2, 0] to [4, 6]
step.tensor @y_0 : f32 [2, 6] output shard 0 of 2 of @y from [0, 0] to [2, 6]
step.tensor @y_1 : f32 [2, 6] output shard 1 of 2 of @y from [2, 0] to [4, 6]
step.tensor @turned_0 : f32 [6, 2] output shard 0 of 2 of @turned from [0, 0] to [6, 2]
step.tensor @turned_1 : f32 [6, 2] output shard 1 of 2 of @turned from [0, 2] to [6, 4]
step.tensor @sum_0 : f32 [3] output shard 0 of 2 of @sum from [0] to [3]
step.tensor @sum_1 : f32 [3] output shard 1 of 2 of @sum from [3] to [6]
%x = step.load @x_0 : !step.stream<f32, [2, 6]>
%x_1 = step.load @x_1 : !step.stream<f32, [2, 6]>
%y = step.map mul %x, 2.000000e+00 : !step.stream<f32, [2, 6]>
%y_1 = step.map mul %x_1, 2.000000e+00 : !step.stream<f32, [2, 6]>
%held = step.bufferize %y rank 2 : !step.buffer<f32, [] of [2, 6]>
%held_1 = step.bufferize %y_1 rank 2 : !step.buffer<f32, [] of [2, 6]>
%turned = step.streamify %held walk [1, 0] : !step.stream<f32, [6, 2]>
%turned_1 = step.streamify %held_1 walk [1, 0] : !step.stream<f32, [6, 2]>
%y_2 = step.concat %y, %y_1 over 0 : !step.stream<f32, [4, 6]>
%y_3 = step.slice %y_2 from [0, 0] : !step.stream<f32, [4, 3]>
%y_4 = step.slice %y_2 from [0, 3] : !step.stream<f32, [4, 3]>
%sum = step.accum add %y_3 over [0] from 1.000000e+00 : !step.stream<f32, [3]>
%sum_1 = step.accum add %y_4 over [0] from 1.000000e+00 : !step.stream<f32, [3]>
%turned_2 = step.concat %turned, %turned_1 over 1 : !step.stream<f32, [6, 4]>
%turned_3 = step.slice %turned_2 from [0, 0] : !step.stream<f32, [3, 4]>
%turned_4 = step.slice %turned_2 from [3, 0] : !step.stream<f32, [3, 4]>
%part = step.slice %turned_3 from [0, 1] : !step.stream<f32, [3, 2]>
%part_1 = step.slice %turned_4 from [0, 1] : !step.stream<f32, [3, 2]>
%few = step.accum add %part over [1] : !step.stream<f32, [3]>
%few_1 = step.accum add %part_1 over [1] : !step.stream<f32, [3]>
%both = step.map add %sum, %few : !step.stream<f32, [3]>
%both_1 = step.map add %sum_1, %few_1 : !step.stream<f32, [3]>
step.store %y in @y_0
step.store %y_1 in @y_1
step.store %turned in @turned_0
step.store %turned_1 in @turned_1
step.store %both in @sum_0
step.store %both_1 in @sum_1
