// Attention of one head: softmax(q @ k^T / sqrt(8)) @ v; the keys are walked by columns.
step.tensor @q : f32 [6, 8] input
step.tensor @k : f32 [10, 8] input
step.tensor @v : f32 [10, 8] input
step.tensor @y : f32 [6, 8] output
%q = step.load @q : !step.stream<f32, [6, 8]>
%k = step.load @k walk [1, 0] : !step.stream<f32, [8, 10]>
%v = step.load @v : !step.stream<f32, [10, 8]>
%dots = step.matmul %q, %k : !step.stream<f32, [6, 10]>
%scores = step.map mul %dots, 0.3535533906 : !step.stream<f32, [6, 10]>
%top = step.accum max %scores over [1] : !step.stream<f32, [6]>
%held = step.expand %top along [1] : !step.stream<f32, [6, 10]>
%below = step.map sub %scores, %held : !step.stream<f32, [6, 10]>
%e = step.map exp %below : !step.stream<f32, [6, 10]>
%sum = step.accum add %e over [1] : !step.stream<f32, [6]>
%scale = step.map reciprocal %sum : !step.stream<f32, [6]>
%scales = step.expand %scale along [1] : !step.stream<f32, [6, 10]>
%shares = step.map mul %e, %scales : !step.stream<f32, [6, 10]>
%y = step.matmul %shares, %v : !step.stream<f32, [6, 8]>
step.store %y in @y
