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
%3 = step.map add %count, %2 : !step.stream<f32, [4]>
%4 = step.size @n : !step.stream<i32, []>
%5 = step.convert %4 : !step.stream<f32, []>
%6 = step.expand %5 along [0] : !step.stream<f32, [4]>
%7 = step.map mul %6, 2.000000e+00 : !step.stream<f32, [4]>
%8 = step.map add %3, %7 : !step.stream<f32, [4]>
step.tensor @count_2 : f32 [8] iota
%count_1 = step.load @count_2 : !step.stream<f32, [8]>
%9 = step.expand %count_1 along [0] : !step.stream<f32, [4, 8]>
%10 = step.expand %8 along [1] : !step.stream<f32, [4, 8]>
%11 = step.map eq %9, %10 : !step.stream<f32, [4, 8]>
%12 = step.expand %x along [1] : !step.stream<f32, [4, 8]>
%13 = step.map select %11, %12, 0.000000e+00 : !step.stream<f32, [4, 8]>
%14 = step.bits %13 : !step.stream<i32, [4, 8]>
%15 = step.accum add %14 over [0] : !step.stream<i32, [8]>
%16 = step.bits %15 : !step.stream<f32, [8]>
step.store %16 in @y
