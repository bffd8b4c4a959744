// The running sum of rows, from the first to each.
step.tensor @x : f32 [12, 17] input
step.tensor @y : f32 [12, 17] output
%x = step.load @x : !step.stream<f32, [12, 17]>
%y = step.scan add %x over [0] : !step.stream<f32, [12, 17]>
step.store %y in @y
