// y[t] = x[t] + y[t - 1]: a launch of five iterations; the sum of one stays on chip for the next.
step.loop 5
step.state @sum : f32 [11]
step.tensor @start : f32 [11] input
step.tensor @x : f32 [11] input each
step.tensor @y : f32 [11] output each
%start = step.load @start : !step.stream<f32, [11]>
%old = step.recall @sum initial %start : !step.stream<f32, [11]>
%x = step.load @x : !step.stream<f32, [11]>
%y = step.map add %old, %x : !step.stream<f32, [11]>
step.keep %y in @sum
step.store %y in @y
