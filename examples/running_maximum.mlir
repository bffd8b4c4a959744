// The largest element of each row so far, and each element's distance from it.
step.tensor @x : f32 [5, 23] input
step.tensor @top : f32 [5, 23] output
step.tensor @drop : f32 [5, 23] output
%x = step.load @x : !step.stream<f32, [5, 23]>
%top = step.scan max %x over [1] : !step.stream<f32, [5, 23]>
%drop = step.map sub %top, %x : !step.stream<f32, [5, 23]>
step.store %top in @top
step.store %drop in @drop
