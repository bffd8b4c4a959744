// shards: 5
// Terms are added in threes, in the order of the shards; what is left over goes up as it is.
step.tensor @x : f32 [5] input
step.tensor @up : f32 [5, 5] weight
step.tensor @down : f32 [5, 3] weight
step.tensor @y : f32 [3] output
%x = step.load @x : !step.stream<f32, [5]>
%up = step.load @up : !step.stream<f32, [5, 5]>
%h = step.matmul %x, %up : !step.stream<f32, [5]>
%down = step.load @down : !step.stream<f32, [5, 3]>
%y = step.matmul %h, %down : !step.stream<f32, [3]>
step.store %y in @y
// ----
step.tensor @x : f32 [5] input
step.tensor @up_0 : f32 [5, 1] weight shard 0 of 5 of @up from [0, 0] to [5, 1]
step.tensor @up_1 : f32 [5, 1] weight shard 1 of 5 of @up from [0, 1] to [5, 2]
step.tensor @up_2 : f32 [5, 1] weight shard 2 of 5 of @up from [0, 2] to [5, 3]
step.tensor @up_3 : f32 [5, 1] weight shard 3 of 5 of @up from [0, 3] to [5, 4]
step.tensor @up_4 : f32 [5, 1] weight shard 4 of 5 of @up from [0, 4] to [5, 5]
step.tensor @down_0 : f32 [1, 3] weight shard 0 of 5 of @down from [0, 0] to [1, 3]
step.tensor @down_1 : f32 [1, 3] weight shard 1 of 5 of @down from [1, 0] to [2, 3]
step.tensor @down_2 : f32 [1, 3] weight shard 2 of 5 of @down from [2, 0] to [3, 3]
step.tensor @down_3 : f32 [1, 3] weight shard 3 of 5 of @down from [3, 0] to [4, 3]
step.tensor @down_4 : f32 [1, 3] weight shard 4 of 5 of @down from [4, 0] to [5, 3]
step.tensor @y : f32 [3] output
%x = step.load @x : !step.stream<f32, [5]>
%up = step.load @up_0 : !step.stream<f32, [5, 1]>
%up_1 = step.load @up_1 : !step.stream<f32, [5, 1]>
%up_2 = step.load @up_2 : !step.stream<f32, [5, 1]>
%up_3 = step.load @up_3 : !step.stream<f32, [5, 1]>
%up_4 = step.load @up_4 : !step.stream<f32, [5, 1]>
%h = step.matmul %x, %up : !step.stream<f32, [1]>
%h_1 = step.matmul %x, %up_1 : !step.stream<f32, [1]>
%h_2 = step.matmul %x, %up_2 : !step.stream<f32, [1]>
%h_3 = step.matmul %x, %up_3 : !step.stream<f32, [1]>
%h_4 = step.matmul %x, %up_4 : !step.stream<f32, [1]>
%down = step.load @down_0 : !step.stream<f32, [1, 3]>
%down_1 = step.load @down_1 : !step.stream<f32, [1, 3]>
%down_2 = step.load @down_2 : !step.stream<f32, [1, 3]>
%down_3 = step.load @down_3 : !step.stream<f32, [1, 3]>
%down_4 = step.load @down_4 : !step.stream<f32, [1, 3]>
%y = step.matmul %h, %down : !step.stream<f32, [3]>
%y_1 = step.matmul %h_1, %down_1 : !step.stream<f32, [3]>
%y_2 = step.matmul %h_2, %down_2 : !step.stream<f32, [3]>
%y_3 = step.matmul %h_3, %down_3 : !step.stream<f32, [3]>
%y_4 = step.matmul %h_4, %down_4 : !step.stream<f32, [3]>
%0 = step.map add %y, %y_1 : !step.stream<f32, [3]>
%1 = step.map add %0, %y_2 : !step.stream<f32, [3]>
%2 = step.map add %1, %y_3 : !step.stream<f32, [3]>
%y_5 = step.map add %2, %y_4 : !step.stream<f32, [3]>
step.store %y_5 in @y
