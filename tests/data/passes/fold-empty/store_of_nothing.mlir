// A store of nothing goes, with all that only it takes; a load that waited for it begins at once.
// fabric: tiny
step.tensor @x : f32 [4, 8] input
step.tensor @y : f32 [4, 8] cache
step.tensor @z : f32 [4, 8] output
%x = step.load @x : !step.stream<f32, [0, 8]>
%doubled = step.map mul %x, 2.0 : !step.stream<f32, [0, 8]>
%stored = step.store %doubled in @y -> !step.token
%z = step.load @y after %stored : !step.stream<f32, [4, 8]>
step.store %z in @z
// ----
step.tensor @x : f32 [4, 8] input
step.tensor @y : f32 [4, 8] cache
step.tensor @z : f32 [4, 8] output
%z = step.load @y : !step.stream<f32, [4, 8]>
step.store %z in @z
