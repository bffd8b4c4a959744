// Two matrices one below the other, and side by side.
step.tensor @a : f32 [3, 12] input
step.tensor @b : f32 [3, 12] input
step.tensor @below : f32 [6, 12] output
step.tensor @beside : f32 [3, 24] output
%a = step.load @a : !step.stream<f32, [3, 12]>
%b = step.load @b : !step.stream<f32, [3, 12]>
%below = step.concat %a, %b over 0 : !step.stream<f32, [6, 12]>
%beside = step.concat %a, %b over 1 : !step.stream<f32, [3, 24]>
step.store %below in @below
step.store %beside in @beside
