// The least of no integers is the largest of them; a product over no k is 0. Both are made of the number 0 of an iota.
// fabric: tiny
step.tensor @x : i32 [4, 8] input
step.tensor @a : f32 [3, 1] input
step.tensor @w : f32 [1, 8] weight
step.tensor @least : i32 [8] output
step.tensor @product : f32 [3, 8] output
%x = step.load @x : !step.stream<i32, [0, 8]>
%least = step.accum min %x over [0] : !step.stream<i32, [8]>
step.store %least in @least
%a = step.load @a : !step.stream<f32, [3, 0]>
%w = step.load @w : !step.stream<f32, [0, 8]>
%product = step.matmul %a, %w : !step.stream<f32, [3, 8]>
step.store %product in @product
// ----
step.tensor @x : i32 [4, 8] input
step.tensor @a : f32 [3, 1] input
step.tensor @w : f32 [1, 8] weight
step.tensor @least : i32 [8] output
step.tensor @product : f32 [3, 8] output
step.tensor @zero : i32 [1] iota
%zero = step.load @zero : !step.stream<i32, [1]>
%0 = step.accum add %zero over [0] : !step.stream<i32, []>
%1 = step.map add %0, 2147483647 : !step.stream<i32, []>
%least = step.expand %1 along [0] : !step.stream<i32, [8]>
step.store %least in @least
step.tensor @zero_2 : f32 [1] iota
%zero_1 = step.load @zero_2 : !step.stream<f32, [1]>
%2 = step.accum add %zero_1 over [0] : !step.stream<f32, []>
%product = step.expand %2 along [0, 1] : !step.stream<f32, [3, 8]>
step.store %product in @product
