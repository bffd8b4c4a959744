// A part of what was computed: its rows 2 to 5, and there the columns 3 to 13.
step.tensor @x : f32 [8, 18] input
step.tensor @y : f32 [4, 11] output
%x = step.load @x : !step.stream<f32, [8, 18]>
%square = step.map mul %x, %x : !step.stream<f32, [8, 18]>
%y = step.slice %square from [2, 3] : !step.stream<f32, [4, 11]>
step.store %y in @y
