// A mixture of two experts: both see every token, and the key of a token says whose result it takes.
step.tensor @x : f32 [8, 12] input
step.tensor @key : i32 [8] input
step.tensor @first : bf16 [12, 10] weight
step.tensor @second : bf16 [12, 10] weight
step.tensor @y : f32 [8, 10] output
%x = step.load @x : !step.stream<f32, [8, 12]>
%first = step.load @first : !step.stream<bf16, [12, 10]>
%second = step.load @second : !step.stream<bf16, [12, 10]>
%one = step.matmul %x, %first : !step.stream<f32, [8, 10]>
%other = step.matmul %x, %second : !step.stream<f32, [8, 10]>
%key = step.load @key : !step.stream<i32, [8]>
%is_first = step.map eq %key, 0 : !step.stream<f32, [8]>
%choice = step.expand %is_first along [1] : !step.stream<f32, [8, 10]>
%y = step.map select %choice, %one, %other : !step.stream<f32, [8, 10]>
step.store %y in @y
