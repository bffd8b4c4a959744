// y = x, whole numbers that float32 does not have.
step.tensor @x : i32 [3, 8] input
step.tensor @y : i32 [3, 8] output
%x = step.load @x : !step.stream<i32, [3, 8]>
step.store %x in @y
