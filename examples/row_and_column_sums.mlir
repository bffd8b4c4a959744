// The sums of all rows, of all columns, and of everything.
step.tensor @x : f32 [7, 19] input
step.tensor @rows : f32 [7] output
step.tensor @columns : f32 [19] output
step.tensor @all : f32 [1] output
%x = step.load @x : !step.stream<f32, [7, 19]>
%rows = step.accum add %x over [1] : !step.stream<f32, [7]>
%columns = step.accum add %x over [0] : !step.stream<f32, [19]>
%all = step.accum add %x over [0, 1] : !step.stream<f32, []>
%one = step.promote %all : !step.stream<f32, [1]>
step.store %rows in @rows
step.store %columns in @columns
step.store %one in @all
