// n rows from row m on: launch arguments count rows, and the vector beats of them that lie before (3 a row).
// fabric: tiny
step.dimension @n <= 4
step.dimension @m <= 4
step.tensor @x : f32 [8, 12] input
step.tensor @y : f32 [4, 12] output
%x = step.load @x from [m, 0] : !step.stream<f32, [n, 12]>
step.store %x in @y
// ----
mapped.size {index = 2 : i64, of = #step.dims<[m]>, unit = "multiple", per = 3 : i64}
mapped.size {index = 1 : i64, of = #step.dims<[n]>, unit = "elements", per = 1 : i64}
mapped.tensor @x {shape = array<i64: 8, 12>, format = "f32", role = "input"}
mapped.tensor @y {shape = array<i64: 4, 12>, format = "f32", role = "output"}
%x = mapped.linear_load @x {size_args = array<i64: 1, 0>, base_args = array<i64: 2>} : () -> !mapped.stream<vector, [?, 12]>
mapped.linear_store %x in @y {size_args = array<i64: 1, 0>} : (!mapped.stream<vector, [?, 12]>) -> ()
