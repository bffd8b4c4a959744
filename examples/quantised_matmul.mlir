// The same rows times weights of eight and of four bits.
step.tensor @x : f32 [3, 40] input
step.tensor @eight : int8 [40, 16] weight
step.tensor @four : mxfp4 [40, 16] weight
step.tensor @y8 : f32 [3, 16] output
step.tensor @y4 : f32 [3, 16] output
%x = step.load @x : !step.stream<f32, [3, 40]>
%eight = step.load @eight : !step.stream<int8, [40, 16]>
%four = step.load @four : !step.stream<mxfp4, [40, 16]>
%y8 = step.matmul %x, %eight : !step.stream<f32, [3, 16]>
%y4 = step.matmul %x, %four : !step.stream<f32, [3, 16]>
step.store %y8 in @y8
step.store %y4 in @y4
