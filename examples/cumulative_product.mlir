// Growth so far, in each of four quarters: running products along each row.
step.tensor @rate : f32 [30, 4] input
step.tensor @growth : f32 [30, 4] output
%rate = step.load @rate : !step.stream<f32, [30, 4]>
%factor = step.map add %rate, 1.0 : !step.stream<f32, [30, 4]>
%growth = step.prefix mul %factor : !step.stream<f32, [30, 4]>
step.store %growth in @growth
