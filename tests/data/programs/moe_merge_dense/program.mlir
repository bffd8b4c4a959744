// Two experts see all rows; the key of a row says whose result it takes, and the other's is dropped.
step.tensor @x : f32 [10, 12] input
step.tensor @key : i32 [10] input
step.tensor @y : f32 [10, 12] output
%x = step.load @x : !step.stream<f32, [10, 12]>
%twice = step.map mul %x, 2.0 : !step.stream<f32, [10, 12]>
%expert0 = step.map add %twice, 1.0 : !step.stream<f32, [10, 12]>
%negative = step.map mul %x, -1.0 : !step.stream<f32, [10, 12]>
%expert1 = step.map max %negative, 0.0 : !step.stream<f32, [10, 12]>
%key = step.load @key : !step.stream<i32, [10]>
%keys = step.expand %key along [1] : !step.stream<i32, [10, 12]>
%first = step.map eq %keys, 0 : !step.stream<f32, [10, 12]>
%y = step.map select %first, %expert0, %expert1 : !step.stream<f32, [10, 12]>
step.store %y in @y
