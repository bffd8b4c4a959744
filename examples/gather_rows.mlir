// Rows of a table by their index: an embedding.
step.tensor @index : i32 [9] input
step.tensor @table : bf16 [12, 20] weight
step.tensor @y : f32 [9, 20] output
%index = step.load @index : !step.stream<i32, [9]>
%rows = step.random_load %index of @table : !step.stream<bf16, [9, 20]>
%y = step.convert %rows : !step.stream<f32, [9, 20]>
step.store %y in @y
