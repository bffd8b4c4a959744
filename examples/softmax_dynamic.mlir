// The softmax of the first n elements of each row, where every launch says what n is.
step.dimension @n <= 48
step.tensor @x : f32 [5, 48] input
step.tensor @y : f32 [5, 48] output
%x = step.load @x : !step.stream<f32, [5, n]>
%top = step.accum max %x over [1] : !step.stream<f32, [5]>
%held = step.expand %top along [1] : !step.stream<f32, [5, n]>
%below = step.map sub %x, %held : !step.stream<f32, [5, n]>
%e = step.map exp %below : !step.stream<f32, [5, n]>
%sum = step.accum add %e over [1] : !step.stream<f32, [5]>
%scale = step.map reciprocal %sum : !step.stream<f32, [5]>
%scales = step.expand %scale along [1] : !step.stream<f32, [5, n]>
%y = step.map mul %e, %scales : !step.stream<f32, [5, n]>
step.store %y in @y
