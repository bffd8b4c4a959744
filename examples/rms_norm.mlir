// Each row divided by the root of the mean of its squares, then scaled.
step.tensor @x : f32 [5, 27] input
step.tensor @scale : f32 [27] weight
step.tensor @y : f32 [5, 27] output
%x = step.load @x : !step.stream<f32, [5, 27]>
%squares = step.map mul %x, %x : !step.stream<f32, [5, 27]>
%total = step.accum add %squares over [1] : !step.stream<f32, [5]>
%mean = step.map mul %total, 0.0370370370 : !step.stream<f32, [5]>
%padded = step.map add %mean, 1.0e-6 : !step.stream<f32, [5]>
%inverse = step.map rsqrt %padded : !step.stream<f32, [5]>
%inverses = step.expand %inverse along [1] : !step.stream<f32, [5, 27]>
%normal = step.map mul %x, %inverses : !step.stream<f32, [5, 27]>
%scale = step.load @scale walk [_, 0] : !step.stream<f32, [5, 27]>
%y = step.map mul %normal, %scale : !step.stream<f32, [5, 27]>
step.store %y in @y
