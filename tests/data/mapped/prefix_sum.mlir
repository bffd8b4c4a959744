// Running sums down the columns of each matrix, and their exponentials.
builtin.module {
  mapped.tensor @x {shape = array<i64: 3, 9, 14>, format = "f32", role = "input"}
  mapped.tensor @y {shape = array<i64: 3, 9, 14>, format = "f32", role = "output"}
  mapped.tensor @e {shape = array<i64: 3, 9, 14>, format = "f32", role = "output"}
  %x = mapped.linear_load @x : () -> !mapped.stream<vector, [3, 9, 14]>
  %y = mapped.scan "add" %x {over = 1 : i64, keep = 1 : i64, init = 0.0 : f32} : (!mapped.stream<vector, [3, 9, 14]>) -> !mapped.stream<vector, [3, 9, 14]>
  %e = mapped.map "exp" %y : (!mapped.stream<vector, [3, 9, 14]>) -> !mapped.stream<vector, [3, 9, 14]>
  mapped.linear_store %y in @y : (!mapped.stream<vector, [3, 9, 14]>) -> ()
  mapped.linear_store %e in @e : (!mapped.stream<vector, [3, 9, 14]>) -> ()
}
