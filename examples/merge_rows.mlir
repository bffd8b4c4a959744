// Rows of two streams put together in the order that a key names: 0 takes the next of one, 1 the next of the other.
step.dimension @n <= 10
step.dimension @m <= 10
step.tensor @x : f32 [10, 12] input
step.tensor @z : f32 [10, 12] input
step.tensor @key : i32 [10] input
step.tensor @y : f32 [10, 12] output
%x = step.load @x : !step.stream<f32, [n, 12]>
%twice = step.map mul %x, 2.0 : !step.stream<f32, [n, 12]>
%z = step.load @z : !step.stream<f32, [m, 12]>
%key = step.load @key : !step.stream<i32, [n + m]>
%y = step.merge %key of %twice, %z : !step.stream<f32, [n + m, 12]>
step.store %y in @y
