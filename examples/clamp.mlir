// Each element cut off at -1 and 1.
step.tensor @x : f32 [7, 22] input
step.tensor @y : f32 [7, 22] output
%x = step.load @x : !step.stream<f32, [7, 22]>
%low = step.map max %x, -1.0 : !step.stream<f32, [7, 22]>
%y = step.map min %low, 1.0 : !step.stream<f32, [7, 22]>
step.store %y in @y
