// A feed-forward layer: y = (silu(x @ gate) * (x @ up)) @ down.
step.tensor @x : f32 [4, 16] input
step.tensor @gate : bf16 [16, 22] weight
step.tensor @up : bf16 [16, 22] weight
step.tensor @down : bf16 [22, 16] weight
step.tensor @y : f32 [4, 16] output
%x = step.load @x : !step.stream<f32, [4, 16]>
%gate = step.load @gate : !step.stream<bf16, [16, 22]>
%up = step.load @up : !step.stream<bf16, [16, 22]>
%down = step.load @down : !step.stream<bf16, [22, 16]>
%g = step.matmul %x, %gate : !step.stream<f32, [4, 22]>
%u = step.matmul %x, %up : !step.stream<f32, [4, 22]>
%open = step.map sigmoid %g : !step.stream<f32, [4, 22]>
%silu = step.map mul %g, %open : !step.stream<f32, [4, 22]>
%h = step.map mul %silu, %u : !step.stream<f32, [4, 22]>
%y = step.matmul %h, %down : !step.stream<f32, [4, 16]>
step.store %y in @y
