// For each of a list of indices the dot product of that row of a table with a vector.
step.tensor @index : i32 [7] input
step.tensor @table : f32 [12, 19] input
step.tensor @v : f32 [19] input
step.tensor @y : f32 [7] output
%index = step.load @index : !step.stream<i32, [7]>
%rows = step.random_load %index of @table : !step.stream<f32, [7, 19]>
%v = step.load @v walk [_, 0] : !step.stream<f32, [7, 19]>
%terms = step.map mul %rows, %v : !step.stream<f32, [7, 19]>
%y = step.accum add %terms over [1] : !step.stream<f32, [7]>
step.store %y in @y
