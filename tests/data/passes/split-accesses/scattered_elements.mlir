// A store writes whole beats: of elements with one index the last is chosen, and the row is stored.
// fabric: tiny
step.tensor @index : i32 [3] input
step.tensor @x : i32 [3] input
step.tensor @y : i32 [8] output
%index = step.load @index : !step.stream<i32, [3]>
%x = step.load @x : !step.stream<i32, [3]>
step.random_store %x at %index in @y
// ----
step.tensor @index : i32 [3] input
step.tensor @x : i32 [3] input
step.tensor @y : i32 [8] output
%index = step.load @index : !step.stream<i32, [3]>
%x = step.load @x : !step.stream<i32, [3]>
%0 = step.convert %index : !step.stream<f32, [3]>
step.tensor @count : f32 [3] iota
%count = step.load @count : !step.stream<f32, [3]>
step.tensor @count_2 : f32 [8] iota
%count_1 = step.load @count_2 : !step.stream<f32, [8]>
%1 = step.expand %count_1 along [0] : !step.stream<f32, [3, 8]>
%2 = step.expand %0 along [1] : !step.stream<f32, [3, 8]>
%3 = step.map eq %1, %2 : !step.stream<f32, [3, 8]>
%4 = step.expand %count along [1] : !step.stream<f32, [3, 8]>
%5 = step.map select %3, %4, -1.000000e+00 : !step.stream<f32, [3, 8]>
%6 = step.accum max %5 over [0] : !step.stream<f32, [8]>
%7 = step.expand %6 along [0] : !step.stream<f32, [3, 8]>
%8 = step.map eq %5, %7 : !step.stream<f32, [3, 8]>
%9 = step.map mul %3, %8 : !step.stream<f32, [3, 8]>
%10 = step.accum max %9 over [1] : !step.stream<f32, [3]>
%11 = step.map select %10, %0, -1.000000e+00 : !step.stream<f32, [3]>
step.tensor @count_3 : f32 [8] iota
%count_2 = step.load @count_3 : !step.stream<f32, [8]>
%12 = step.expand %count_2 along [0] : !step.stream<f32, [3, 8]>
%13 = step.expand %11 along [1] : !step.stream<f32, [3, 8]>
%14 = step.map eq %12, %13 : !step.stream<f32, [3, 8]>
%15 = step.expand %x along [1] : !step.stream<i32, [3, 8]>
%16 = step.map select %14, %15, 0 : !step.stream<i32, [3, 8]>
%17 = step.accum add %16 over [0] : !step.stream<i32, [8]>
step.store %17 in @y
