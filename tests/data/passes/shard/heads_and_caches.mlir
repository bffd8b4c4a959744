// shards: 3
// Heads that are read out of a row, and stored in a cache: each shard has the heads of its columns. There are only two.
step.dimension @n <= 7
step.tensor @x : f32 [4] input
step.tensor @w : bf16 [4, 12] weight
step.tensor @cache : f32 [2, 8, 3] cache
step.tensor @y : f32 [2, 3] output
%x = step.load @x : !step.stream<f32, [4]>
%w = step.load @w : !step.stream<bf16, [4, 12]>
%row = step.matmul %x, %w : !step.stream<f32, [12]>
%held = step.bufferize %row rank 1 : !step.buffer<f32, [] of [12]>
%new = step.streamify %held walk [0, _, 0] by [6, 1, 1] from [3] : !step.stream<f32, [2, 1, 3]>
%stored = step.store %new in @cache from [0, n, 0] -> !step.token
%all = step.load @cache after %stored : !step.stream<f32, [2, n + 1, 3]>
%y = step.accum max %all over [1] : !step.stream<f32, [2, 3]>
step.store %y in @y
// ----
step.dimension @n <= 7
step.tensor @x : f32 [4] input
step.tensor @w_0 : bf16 [4, 6] weight shard 0 of 2 of @w from [0, 0] to [4, 6]
step.tensor @w_1 : bf16 [4, 6] weight shard 1 of 2 of @w from [0, 6] to [4, 12]
step.tensor @cache_0 : f32 [1, 8, 3] cache shard 0 of 2 of @cache from [0, 0, 0] to [1, 8, 3]
step.tensor @cache_1 : f32 [1, 8, 3] cache shard 1 of 2 of @cache from [1, 0, 0] to [2, 8, 3]
step.tensor @y_0 : f32 [1, 3] output shard 0 of 2 of @y from [0, 0] to [1, 3]
step.tensor @y_1 : f32 [1, 3] output shard 1 of 2 of @y from [1, 0] to [2, 3]
%x = step.load @x : !step.stream<f32, [4]>
%w = step.load @w_0 : !step.stream<bf16, [4, 6]>
%w_1 = step.load @w_1 : !step.stream<bf16, [4, 6]>
%row = step.matmul %x, %w : !step.stream<f32, [6]>
%row_1 = step.matmul %x, %w_1 : !step.stream<f32, [6]>
%held = step.bufferize %row rank 1 : !step.buffer<f32, [] of [6]>
%held_1 = step.bufferize %row_1 rank 1 : !step.buffer<f32, [] of [6]>
%new = step.streamify %held walk [0, _, 0] by [6, 1, 1] from [3] : !step.stream<f32, [1, 1, 3]>
%new_1 = step.streamify %held_1 walk [0, _, 0] by [6, 1, 1] from [3] : !step.stream<f32, [1, 1, 3]>
%stored = step.store %new in @cache_0 from [0, n, 0] -> !step.token
%stored_1 = step.store %new_1 in @cache_1 from [0, n, 0] -> !step.token
%all = step.load @cache_0 after %stored : !step.stream<f32, [1, n + 1, 3]>
%all_1 = step.load @cache_1 after %stored_1 : !step.stream<f32, [1, n + 1, 3]>
%y = step.accum max %all over [1] : !step.stream<f32, [1, 3]>
%y_1 = step.accum max %all_1 over [1] : !step.stream<f32, [1, 3]>
step.store %y in @y_0
step.store %y_1 in @y_1
