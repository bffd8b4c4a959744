// Each row with its mean taken away, divided by its standard deviation, then scaled and shifted.
step.tensor @x : f32 [6, 30] input
step.tensor @scale : f32 [30] weight
step.tensor @shift : f32 [30] weight
step.tensor @y : f32 [6, 30] output
%x = step.load @x : !step.stream<f32, [6, 30]>
%sum = step.accum add %x over [1] : !step.stream<f32, [6]>
%mean = step.map mul %sum, 0.0333333333 : !step.stream<f32, [6]>
%means = step.expand %mean along [1] : !step.stream<f32, [6, 30]>
%centred = step.map sub %x, %means : !step.stream<f32, [6, 30]>
%squares = step.map mul %centred, %centred : !step.stream<f32, [6, 30]>
%total = step.accum add %squares over [1] : !step.stream<f32, [6]>
%square = step.map mul %total, 0.0333333333 : !step.stream<f32, [6]>
%variance = step.map add %square, 1.0e-5 : !step.stream<f32, [6]>
%inverse = step.map rsqrt %variance : !step.stream<f32, [6]>
%inverses = step.expand %inverse along [1] : !step.stream<f32, [6, 30]>
%normal = step.map mul %centred, %inverses : !step.stream<f32, [6, 30]>
%scale = step.load @scale walk [_, 0] : !step.stream<f32, [6, 30]>
%shift = step.load @shift walk [_, 0] : !step.stream<f32, [6, 30]>
%y = step.map muladd %normal, %scale, %shift : !step.stream<f32, [6, 30]>
step.store %y in @y
