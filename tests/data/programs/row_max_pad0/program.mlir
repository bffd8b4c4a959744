// Maxima of negative rows of 37.
step.tensor @x : f32 [5, 37] input
step.tensor @y : f32 [5] output
%x = step.load @x : !step.stream<f32, [5, 37]>
%y = step.accum max %x over [1] : !step.stream<f32, [5]>
step.store %y in @y
