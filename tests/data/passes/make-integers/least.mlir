// -1 - x turns the order of all integers around, and never overflows: the least is that of the greatest.
step.tensor @x : i32 [3, 8] input
step.tensor @least : i32 [8] output
step.tensor @lesser : i32 [3, 8] output
%x = step.load @x : !step.stream<i32, [3, 8]>
%least = step.accum min %x over [0] : !step.stream<i32, [8]>
step.store %least in @least
%lesser = step.scan min %x over [0] : !step.stream<i32, [3, 8]>
step.store %lesser in @lesser
// ----
step.tensor @x : i32 [3, 8] input
step.tensor @least : i32 [8] output
step.tensor @lesser : i32 [3, 8] output
%x = step.load @x : !step.stream<i32, [3, 8]>
%0 = step.map sub -1, %x : !step.stream<i32, [3, 8]>
%1 = step.accum max %0 over [0] : !step.stream<i32, [8]>
%least = step.map sub -1, %1 : !step.stream<i32, [8]>
step.store %least in @least
%2 = step.map sub -1, %x : !step.stream<i32, [3, 8]>
%3 = step.scan max %2 over [0] : !step.stream<i32, [3, 8]>
%lesser = step.map sub -1, %3 : !step.stream<i32, [3, 8]>
step.store %lesser in @lesser
