// Each row divided by its largest magnitude; div_approx is within 2 units of the last place of the quotient.
step.tensor @x : f32 [6, 19] input
step.tensor @y : f32 [6, 19] output
%x = step.load @x : !step.stream<f32, [6, 19]>
%negative = step.map sub 0.0, %x : !step.stream<f32, [6, 19]>
%magnitude = step.map max %x, %negative : !step.stream<f32, [6, 19]>
%top = step.accum max %magnitude over [1] : !step.stream<f32, [6]>
%tops = step.expand %top along [1] : !step.stream<f32, [6, 19]>
%y = step.map div_approx %x, %tops : !step.stream<f32, [6, 19]>
step.store %y in @y
