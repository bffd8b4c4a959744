// Rows to the places that an index names; of two for one place the later stays, and what no row reaches is 0.
step.tensor @index : i32 [7] input
step.tensor @x : f32 [7, 13] input
step.tensor @y : f32 [11, 13] output
%index = step.load @index : !step.stream<i32, [7]>
%x = step.load @x : !step.stream<f32, [7, 13]>
%twice = step.map add %x, %x : !step.stream<f32, [7, 13]>
step.random_store %twice at %index in @y
