// Without a loop the channel would wait while a tile is drained: the product stays whole.
// fabric: tiny acc_depth=128
step.tensor @x : f32 [3] input
step.tensor @w : bf16 [3, 256] weight
step.tensor @y : f32 [256] output
%x = step.load @x : !step.stream<f32, [3]>
%w = step.load @w : !step.stream<bf16, [3, 256]>
%held = step.expand %x along [1] : !step.stream<f32, [3, 256]>
%terms = step.map mul %w, %held : !step.stream<f32, [3, 256]>
%y = step.accum add %terms over [0] : !step.stream<f32, [256]>
step.store %y in @y
// ----
step.tensor @x : f32 [3] input
step.tensor @w : bf16 [3, 256] weight
step.tensor @y : f32 [256] output
%x = step.load @x : !step.stream<f32, [3]>
%w = step.load @w : !step.stream<bf16, [3, 256]>
%held = step.expand %x along [1] : !step.stream<f32, [3, 256]>
%terms = step.map mul %w, %held : !step.stream<f32, [3, 256]>
%y = step.accum add %terms over [0] : !step.stream<f32, [256]>
step.store %y in @y
