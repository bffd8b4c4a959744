// Each place of the row looks for the element that goes there, m + 2n further on: of the words that it meets all but
// one are 0, and they add up as integers, bit for bit.
// fabric: tiny
step.dimension @m <= 1
step.dimension @n <= 1
step.tensor @x : f32 [4] input
step.tensor @y : f32 [8] output
%x = step.load @x : !step.stream<f32, [4]>
step.store %x in @y from [m + 2 * n]
// ----
step.dimension @m <= 1
step.dimension @n <= 1
step.tensor @x : f32 [4] input
step.tensor @y : f32 [8] output
%x = step.load @x : !step.stream<f32, [4]>
step.tensor @count : f32 [4] iota
%count = step.load @count : !step.stream<f32, [4]>
%0 = step.size @m : !step.stream<i32, []>
%1 = step.convert %0 : !step.stream<f32, []>
%2 = step.expand %1 along [0] : !step.stream<f32, [4]>
%3 = step.map mul %2, 1.000000e+00 : !step.stream<f32, [4]>
%4 = step.map add %count, %3 : !step.stream<f32, [4]>
%5 = step.size @n : !step.stream<i32, []>
%6 = step.convert %5 : !step.stream<f32, []>
%7 = step.expand %6 along [0] : !step.stream<f32, [4]>
%8 = step.map mul %7, 2.000000e+00 : !step.stream<f32, [4]>
%9 = step.map add %4, %8 : !step.stream<f32, [4]>
step.tensor @count_2 : f32 [8] iota
%count_1 = step.load @count_2 : !step.stream<f32, [8]>
%10 = step.expand %count_1 along [0] : !step.stream<f32, [4, 8]>
%11 = step.expand %9 along [1] : !step.stream<f32, [4, 8]>
%12 = step.map eq %10, %11 : !step.stream<f32, [4, 8]>
%13 = step.expand %x along [1] : !step.stream<f32, [4, 8]>
%14 = step.map select %12, %13, 0.000000e+00 : !step.stream<f32, [4, 8]>
%15 = step.bits %14 : !step.stream<i32, [4, 8]>
%16 = step.accum add %15 over [0] : !step.stream<i32, [8]>
%17 = step.bits %16 : !step.stream<f32, [8]>
step.store %17 in @y
