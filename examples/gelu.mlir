// x * sigmoid(1.702 * x), the usual approximation of GELU.
step.tensor @x : f32 [5, 26] input
step.tensor @y : f32 [5, 26] output
%x = step.load @x : !step.stream<f32, [5, 26]>
%scaled = step.map mul %x, 1.702 : !step.stream<f32, [5, 26]>
%open = step.map sigmoid %scaled : !step.stream<f32, [5, 26]>
%y = step.map mul %x, %open : !step.stream<f32, [5, 26]>
step.store %y in @y
