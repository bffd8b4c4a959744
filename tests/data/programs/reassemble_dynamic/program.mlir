// n rows of one stream and m of another, put together in the order that ten keys name.
step.dimension @n <= 10
step.dimension @m <= 10
step.tensor @x0 : f32 [10, 12] input
step.tensor @x1 : f32 [10, 12] input
step.tensor @key : i32 [10] input
step.tensor @y : f32 [10, 12] output
%x0 = step.load @x0 : !step.stream<f32, [n, 12]>
%x1 = step.load @x1 : !step.stream<f32, [m, 12]>
%key = step.load @key : !step.stream<i32, [10]>
%y = step.merge %key of %x0, %x1 : !step.stream<f32, [10, 12]>
step.store %y in @y
