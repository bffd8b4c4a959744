// The same elements under other shapes: heads are split off, and put together again.
step.tensor @x : f32 [5, 24] input
step.tensor @heads : f32 [5, 3, 8] output
step.tensor @y : f32 [120] output
%x = step.load @x : !step.stream<f32, [5, 24]>
%heads = step.reshape %x : !step.stream<f32, [5, 3, 8]>
%y = step.flatten %heads over [0, 1, 2] : !step.stream<f32, [120]>
step.store %heads in @heads
step.store %y in @y
