// Of each row the sum of the elements whose mask is not 0, and how many they are.
step.tensor @x : f32 [6, 25] input
step.tensor @mask : f32 [6, 25] input
step.tensor @sum : f32 [6] output
step.tensor @count : f32 [6] output
%x = step.load @x : !step.stream<f32, [6, 25]>
%mask = step.load @mask : !step.stream<f32, [6, 25]>
%off = step.map eq %mask, 0.0 : !step.stream<f32, [6, 25]>
%on = step.map sub 1.0, %off : !step.stream<f32, [6, 25]>
%kept = step.map select %mask, %x, 0.0 : !step.stream<f32, [6, 25]>
%sum = step.accum add %kept over [1] : !step.stream<f32, [6]>
%count = step.accum add %on over [1] : !step.stream<f32, [6]>
step.store %sum in @sum
step.store %count in @count
