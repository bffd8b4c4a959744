// 34 beats in a quarter of 64 accumulators would be tiles of two, and a burst is 8: all of them have room, so they stay
// whole. 74 have not: of the tiles that a quarter holds none is as long as a burst, so there are two of 37.
// fabric: demo
step.loop 2
step.tensor @x : f32 [3] input each
step.tensor @w : f32 [3, 272] weight each
step.tensor @v : f32 [3, 592] weight each
step.tensor @y : f32 [272] output each
step.tensor @z : f32 [592] output each
%x = step.load @x : !step.stream<f32, [3]>
%held = step.expand %x along [1] : !step.stream<f32, [3, 272]>
%w = step.load @w : !step.stream<f32, [3, 272]>
%terms = step.map mul %w, %held : !step.stream<f32, [3, 272]>
%y = step.accum add %terms over [0] : !step.stream<f32, [272]>
step.store %y in @y
%again = step.expand %x along [1] : !step.stream<f32, [3, 592]>
%v = step.load @v : !step.stream<f32, [3, 592]>
%more = step.map mul %v, %again : !step.stream<f32, [3, 592]>
%z = step.accum add %more over [0] : !step.stream<f32, [592]>
step.store %z in @z
// ----
step.loop 2
step.tensor @x : f32 [3] input each
step.tensor @w : f32 [3, 272] weight each
step.tensor @v : f32 [3, 592] weight each
step.tensor @y : f32 [272] output each
step.tensor @z : f32 [592] output each
%x = step.load @x : !step.stream<f32, [3]>
%held = step.expand %x along [1] : !step.stream<f32, [3, 272]>
%w = step.load @w : !step.stream<f32, [3, 272]>
%terms = step.map mul %w, %held : !step.stream<f32, [3, 272]>
%y = step.accum add %terms over [0] : !step.stream<f32, [272]>
step.store %y in @y
%v = step.load @v walk [1, 0, 1] by [296, 1, 1] : !step.stream<f32, [2, 3, 296]>
%again = step.expand %x along [0, 2] : !step.stream<f32, [2, 3, 296]>
%more = step.map mul %v, %again : !step.stream<f32, [2, 3, 296]>
%0 = step.accum add %more over [1] : !step.stream<f32, [2, 296]>
%z = step.flatten %0 over [0, 1] : !step.stream<f32, [592]>
step.store %z in @z
