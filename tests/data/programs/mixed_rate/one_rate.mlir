// x + its own elements, read back from a buffer: both are [4, 22], so the sum is defined.
step.tensor @x : f32 [4, 22] input
step.tensor @y : f32 [4, 22] output
%x = step.load @x : !step.stream<f32, [4, 22]>
%rows = step.bufferize %x rank 1 : !step.buffer<f32, [4] of [22]>
%again = step.streamify %rows : !step.stream<f32, [4, 22]>
%y = step.map add %x, %again : !step.stream<f32, [4, 22]>
step.store %y in @y
