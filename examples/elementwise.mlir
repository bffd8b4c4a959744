// y = max(a * b + 0.5, 0): a chain of elementwise operations in one PCU.
builtin.module {
  step.tensor @a {shape = array<i64: 6, 21>, format = "f32", role = "input"}
  step.tensor @b {shape = array<i64: 6, 21>, format = "f32", role = "input"}
  step.tensor @y {shape = array<i64: 6, 21>, format = "f32", role = "output"}
  %a = step.linear_load @a : () -> !step.stream<vector, [6, 21]>
  %b = step.linear_load @b : () -> !step.stream<vector, [6, 21]>
  %product = step.map "mul" %a, %b : (!step.stream<vector, [6, 21]>, !step.stream<vector, [6, 21]>) -> !step.stream<vector, [6, 21]>
  %sum = step.map "add" %product {const = 0.5 : f32} : (!step.stream<vector, [6, 21]>) -> !step.stream<vector, [6, 21]>
  %y = step.map "max" %sum {const = 0.0 : f32} : (!step.stream<vector, [6, 21]>) -> !step.stream<vector, [6, 21]>
  step.linear_store %y in @y : (!step.stream<vector, [6, 21]>) -> ()
}
