// As many rows as there are stages share each weight that comes; a row more, and all is multiplied and summed.
// fabric: tiny
step.tensor @two : f32 [2, 8] input
step.tensor @three : f32 [3, 8] input
step.tensor @w : f32 [8, 12] weight
step.tensor @y : f32 [2, 12] output
step.tensor @z : f32 [3, 12] output
%w = step.load @w : !step.stream<f32, [8, 12]>
%two = step.load @two : !step.stream<f32, [2, 8]>
%y = step.matmul %two, %w : !step.stream<f32, [2, 12]>
step.store %y in @y
%three = step.load @three : !step.stream<f32, [3, 8]>
%z = step.matmul %three, %w : !step.stream<f32, [3, 12]>
step.store %z in @z
// ----
step.tensor @two : f32 [2, 8] input
step.tensor @three : f32 [3, 8] input
step.tensor @w : f32 [8, 12] weight
step.tensor @y : f32 [2, 12] output
step.tensor @z : f32 [3, 12] output
%w = step.load @w : !step.stream<f32, [8, 12]>
%two = step.load @two : !step.stream<f32, [2, 8]>
%y = step.matmul %two, %w : !step.stream<f32, [2, 12]>
step.store %y in @y
%three = step.load @three : !step.stream<f32, [3, 8]>
%0 = step.expand %three along [2] : !step.stream<f32, [3, 8, 12]>
%1 = step.expand %w along [0] : !step.stream<f32, [3, 8, 12]>
%2 = step.map mul %1, %0 : !step.stream<f32, [3, 8, 12]>
%z = step.accum add %2 over [1] : !step.stream<f32, [3, 12]>
step.store %z in @z
