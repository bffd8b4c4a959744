// The largest element of each row and the first index it stands at: reduce to the maximum, then look for it again.
step.tensor @x : f32 [4, 50] input
step.tensor @column : f32 [50] iota
step.tensor @top : f32 [4] output
step.tensor @place : f32 [4] output
%x = step.load @x : !step.stream<f32, [4, 50]>
%top = step.accum max %x over [1] : !step.stream<f32, [4]>
%held = step.expand %top along [1] : !step.stream<f32, [4, 50]>
%same = step.map eq %x, %held : !step.stream<f32, [4, 50]>
%column = step.load @column walk [_, 0] : !step.stream<f32, [4, 50]>
%found = step.map select %same, %column, 1.0e9 : !step.stream<f32, [4, 50]>
%place = step.accum min %found over [1] : !step.stream<f32, [4]>
step.store %top in @top
step.store %place in @place
