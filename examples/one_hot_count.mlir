// A histogram: how often each of eight labels occurs among 29.
step.tensor @label : i32 [29] input
step.tensor @bin : i32 [8] iota
step.tensor @count : f32 [8] output
%label = step.load @label walk [0, _] : !step.stream<i32, [29, 8]>
%bin = step.load @bin walk [_, 0] : !step.stream<i32, [29, 8]>
%hit = step.map eq %label, %bin : !step.stream<f32, [29, 8]>
%count = step.accum add %hit over [0] : !step.stream<f32, [8]>
step.store %count in @count
