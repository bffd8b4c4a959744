// y[t] = x[t] + y[t - 1]: a launch of five turns; what a turn gives stays in a buffer for the next.
builtin.module {
  step.loop {turns = 5 : i64}
  step.tensor @start {shape = array<i64: 11>, format = "f32", role = "input"}
  step.tensor @x {shape = array<i64: 11>, format = "f32", role = "input", each}
  step.tensor @y {shape = array<i64: 11>, format = "f32", role = "output", each}
  step.resident @sum {shape = array<i64: 11>}
  %start, %go = step.linear_load @start {when = "first", done_when = "later"} : () -> (!step.stream<vector, [11]>, !step.stream<control, []>)
  %turn = step.turn : !step.stream<scalar, []>
  %before = step.recall @sum for %go : (!step.stream<control, []>) -> !step.stream<vector, [11]>
  %old = step.merge %turn of %start, %before : (!step.stream<scalar, []>, !step.stream<vector, [11]>, !step.stream<vector, [11]>) -> !step.stream<vector, [11]>
  %x = step.linear_load @x : () -> !step.stream<vector, [11]>
  %y = step.map "add" %old, %x : (!step.stream<vector, [11]>, !step.stream<vector, [11]>) -> !step.stream<vector, [11]>
  step.keep %y in @sum {when = "earlier"} : !step.stream<vector, [11]>
  step.linear_store %y in @y : (!step.stream<vector, [11]>) -> ()
}
