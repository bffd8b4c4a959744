// Running sums down the columns of each matrix, and their exponentials.
builtin.module {
  step.tensor @x {shape = array<i64: 3, 9, 14>, format = "f32", role = "input"}
  step.tensor @y {shape = array<i64: 3, 9, 14>, format = "f32", role = "output"}
  step.tensor @e {shape = array<i64: 3, 9, 14>, format = "f32", role = "output"}
  %x = step.linear_load @x : () -> !step.stream<vector, [3, 9, 14]>
  %y = step.scan "add" %x {over = 1 : i64, keep = 1 : i64, init = 0.0 : f32} : (!step.stream<vector, [3, 9, 14]>) -> !step.stream<vector, [3, 9, 14]>
  %e = step.map "exp" %y : (!step.stream<vector, [3, 9, 14]>) -> !step.stream<vector, [3, 9, 14]>
  step.linear_store %y in @y : (!step.stream<vector, [3, 9, 14]>) -> ()
  step.linear_store %e in @e : (!step.stream<vector, [3, 9, 14]>) -> ()
}
