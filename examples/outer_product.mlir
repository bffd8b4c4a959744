// Each element of one vector times each of another.
step.tensor @a : f32 [9] input
step.tensor @b : f32 [13] input
step.tensor @y : f32 [9, 13] output
%a = step.load @a : !step.stream<f32, [9]>
%b = step.load @b : !step.stream<f32, [13]>
%rows = step.expand %a along [1] : !step.stream<f32, [9, 13]>
%columns = step.expand %b along [0] : !step.stream<f32, [9, 13]>
%y = step.map mul %rows, %columns : !step.stream<f32, [9, 13]>
step.store %y in @y
