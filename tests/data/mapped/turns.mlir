// y[t] = x[t] + y[t - 1]: a launch of five turns; what a turn gives stays in a buffer for the next.
builtin.module {
  mapped.loop {turns = 5 : i64}
  mapped.tensor @start {shape = array<i64: 11>, format = "f32", role = "input"}
  mapped.tensor @x {shape = array<i64: 11>, format = "f32", role = "input", each}
  mapped.tensor @y {shape = array<i64: 11>, format = "f32", role = "output", each}
  mapped.resident @sum {shape = array<i64: 11>}
  %start, %go = mapped.linear_load @start {when = "first", done_when = "later"} : () -> (!mapped.stream<vector, [11]>, !mapped.stream<control, []>)
  %turn = mapped.turn : !mapped.stream<scalar, []>
  %before = mapped.recall @sum for %go : (!mapped.stream<control, []>) -> !mapped.stream<vector, [11]>
  %old = mapped.merge %turn of %start, %before : (!mapped.stream<scalar, []>, !mapped.stream<vector, [11]>, !mapped.stream<vector, [11]>) -> !mapped.stream<vector, [11]>
  %x = mapped.linear_load @x : () -> !mapped.stream<vector, [11]>
  %y = mapped.map "add" %old, %x : (!mapped.stream<vector, [11]>, !mapped.stream<vector, [11]>) -> !mapped.stream<vector, [11]>
  mapped.keep %y in @sum {when = "earlier"} : !mapped.stream<vector, [11]>
  mapped.linear_store %y in @y : (!mapped.stream<vector, [11]>) -> ()
}
