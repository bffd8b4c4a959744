// The softmax of one row of 8192.
step.tensor @x : f32 [1, 8192] input
step.tensor @y : f32 [1, 8192] output
%x = step.load @x : !step.stream<f32, [1, 8192]>
%top = step.accum max %x over [1] : !step.stream<f32, [1]>
%held = step.expand %top along [1] : !step.stream<f32, [1, 8192]>
%below = step.map sub %x, %held : !step.stream<f32, [1, 8192]>
%e = step.map exp %below : !step.stream<f32, [1, 8192]>
%sum = step.accum add %e over [1] : !step.stream<f32, [1]>
%scale = step.map reciprocal %sum : !step.stream<f32, [1]>
%scales = step.expand %scale along [1] : !step.stream<f32, [1, 8192]>
%y = step.map mul %e, %scales : !step.stream<f32, [1, 8192]>
step.store %y in @y
