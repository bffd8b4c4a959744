// y = max(a * b + 0.5, 0): a chain of elementwise operations in one PCU.
builtin.module {
  mapped.tensor @a {shape = array<i64: 6, 21>, format = "f32", role = "input"}
  mapped.tensor @b {shape = array<i64: 6, 21>, format = "f32", role = "input"}
  mapped.tensor @y {shape = array<i64: 6, 21>, format = "f32", role = "output"}
  %a = mapped.linear_load @a : () -> !mapped.stream<vector, [6, 21]>
  %b = mapped.linear_load @b : () -> !mapped.stream<vector, [6, 21]>
  %product = mapped.map "mul" %a, %b : (!mapped.stream<vector, [6, 21]>, !mapped.stream<vector, [6, 21]>) -> !mapped.stream<vector, [6, 21]>
  %sum = mapped.map "add" %product {const = 0.5 : f32} : (!mapped.stream<vector, [6, 21]>) -> !mapped.stream<vector, [6, 21]>
  %y = mapped.map "max" %sum {const = 0.0 : f32} : (!mapped.stream<vector, [6, 21]>) -> !mapped.stream<vector, [6, 21]>
  mapped.linear_store %y in @y : (!mapped.stream<vector, [6, 21]>) -> ()
}
