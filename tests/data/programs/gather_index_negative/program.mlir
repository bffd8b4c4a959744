// Rows of a table of three by their index.
step.tensor @index : i32 [4] input
step.tensor @table : f32 [3, 8] input
step.tensor @y : f32 [4, 8] output
%index = step.load @index : !step.stream<i32, [4]>
%rows = step.random_load %index of @table : !step.stream<f32, [4, 8]>
step.store %rows in @y
