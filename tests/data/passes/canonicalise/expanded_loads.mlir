// A load repeats by itself what is little even repeated (16 lines), or what no PMU holds (65); 40 lines are
// kept instead.
// fabric: tiny
step.tensor @few : f32 [4, 4] input
step.tensor @some : f32 [40, 4] input
step.tensor @many : f32 [65, 4] input
step.tensor @a : f32 [4, 4, 4] output
step.tensor @b : f32 [4, 40, 4] output
step.tensor @c : f32 [4, 65, 4] output
%few = step.load @few : !step.stream<f32, [4, 4]>
%a = step.expand %few along [0] : !step.stream<f32, [4, 4, 4]>
step.store %a in @a
%some = step.load @some : !step.stream<f32, [40, 4]>
%b = step.expand %some along [0] : !step.stream<f32, [4, 40, 4]>
step.store %b in @b
%many = step.load @many : !step.stream<f32, [65, 4]>
%c = step.expand %many along [0] : !step.stream<f32, [4, 65, 4]>
step.store %c in @c
// ----
step.tensor @few : f32 [4, 4] input
step.tensor @some : f32 [40, 4] input
step.tensor @many : f32 [65, 4] input
step.tensor @a : f32 [4, 4, 4] output
step.tensor @b : f32 [4, 40, 4] output
step.tensor @c : f32 [4, 65, 4] output
%a = step.load @few walk [_, 0, 1] : !step.stream<f32, [4, 4, 4]>
step.store %a in @a
%some = step.load @some : !step.stream<f32, [40, 4]>
%b = step.expand %some along [0] : !step.stream<f32, [4, 40, 4]>
step.store %b in @b
%c = step.load @many walk [_, 0, 1] : !step.stream<f32, [4, 65, 4]>
step.store %c in @c
