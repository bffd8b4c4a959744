// Each element rounded to bf16, and what the rounding took away.
step.tensor @x : f32 [6, 21] input
step.tensor @y : bf16 [6, 21] output
step.tensor @lost : f32 [6, 21] output
%x = step.load @x : !step.stream<f32, [6, 21]>
%y = step.convert %x : !step.stream<bf16, [6, 21]>
%lost = step.map sub %x, %y : !step.stream<f32, [6, 21]>
step.store %y in @y
step.store %lost in @lost
