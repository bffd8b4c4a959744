// shards: 2
// A product by columns, then one by rows, and a sum behind it.
step.tensor @x : f32 [6] input
step.tensor @up : bf16 [6, 8] weight
step.tensor @down : bf16 [8, 5] weight
step.tensor @y : f32 [5] output
%x = step.load @x : !step.stream<f32, [6]>
%up = step.load @up : !step.stream<bf16, [6, 8]>
%h = step.matmul %x, %up : !step.stream<f32, [8]>
%s = step.map max %h, 0.0 : !step.stream<f32, [8]>
%down = step.load @down : !step.stream<bf16, [8, 5]>
%y = step.matmul %s, %down : !step.stream<f32, [5]>
step.store %y in @y
// ----
step.tensor @x : f32 [6] input
step.tensor @up_0 : bf16 [6, 4] weight shard 0 of 2 of @up from [0, 0] to [6, 4]
step.tensor @up_1 : bf16 [6, 4] weight shard 1 of 2 of @up from [0, 4] to [6, 8]
step.tensor @down_0 : bf16 [4, 5] weight shard 0 of 2 of @down from [0, 0] to [4, 5]
step.tensor @down_1 : bf16 [4, 5] weight shard 1 of 2 of @down from [4, 0] to [8, 5]
step.tensor @y : f32 [5] output
%x = step.load @x : !step.stream<f32, [6]>
%up = step.load @up_0 : !step.stream<bf16, [6, 4]>
%up_1 = step.load @up_1 : !step.stream<bf16, [6, 4]>
%h = step.matmul %x, %up : !step.stream<f32, [4]>
%h_1 = step.matmul %x, %up_1 : !step.stream<f32, [4]>
%s = step.map max %h, 0.000000e+00 : !step.stream<f32, [4]>
%s_1 = step.map max %h_1, 0.000000e+00 : !step.stream<f32, [4]>
%down = step.load @down_0 : !step.stream<bf16, [4, 5]>
%down_1 = step.load @down_1 : !step.stream<bf16, [4, 5]>
%y = step.matmul %s, %down : !step.stream<f32, [5]>
%y_1 = step.matmul %s_1, %down_1 : !step.stream<f32, [5]>
%y_2 = step.map add %y, %y_1 : !step.stream<f32, [5]>
step.store %y_2 in @y
