// The softmax of each row; 37 columns are no multiple of any number of lanes.
step.tensor @x : f32 [6, 37] input
step.tensor @y : f32 [6, 37] output
%x = step.load @x : !step.stream<f32, [6, 37]>
%top = step.accum max %x over [1] : !step.stream<f32, [6]>
%held = step.expand %top along [1] : !step.stream<f32, [6, 37]>
%below = step.map sub %x, %held : !step.stream<f32, [6, 37]>
%e = step.map exp %below : !step.stream<f32, [6, 37]>
%sum = step.accum add %e over [1] : !step.stream<f32, [6]>
%scale = step.map reciprocal %sum : !step.stream<f32, [6]>
%scales = step.expand %scale along [1] : !step.stream<f32, [6, 37]>
%y = step.map mul %e, %scales : !step.stream<f32, [6, 37]>
step.store %y in @y
