// Walks that begin at the round move on by an entry each round, and what the round before has stored is awaited.
// fabric: tiny
step.dimension @rounds <= 3
step.loop 1 for round in rounds
step.tensor @x : f32 [3, 8] input
step.tensor @sums : f32 [4, 8] cache
%x = step.load @x walk [1] from [round, 0] : !step.stream<f32, [8]>
%before = step.load @sums walk [1] from [round, 0] : !step.stream<f32, [8]>
%sum = step.map add %before, %x : !step.stream<f32, [8]>
step.store %sum in @sums walk [1] from [round + 1, 0]
// ----
mapped.size {index = 1 : i64, of = #step.dims<[rounds]>, unit = "elements", per = 1 : i64}
mapped.non_empty {of = #step.dims<[rounds]>, reason = "line 4: step.loop: a launch has at least one round"}
mapped.loop {turns = 1 : i64, rounds_arg = 1 : i64}
mapped.tensor @x {shape = array<i64: 3, 8>, format = "f32", role = "input"}
mapped.tensor @sums {shape = array<i64: 4, 8>, format = "f32", role = "cache"}
%x = mapped.linear_load @x {dims = array<i64: 1>, round_dim = 0 : i64} : () -> !mapped.stream<vector, [8]>
%before = mapped.linear_load @sums {dims = array<i64: 1>, round_dim = 0 : i64, follows} : () -> !mapped.stream<vector, [8]>
%sum = mapped.map "add" %before, %x : (!mapped.stream<vector, [8]>, !mapped.stream<vector, [8]>) -> !mapped.stream<vector, [8]>
mapped.linear_store %sum in @sums {dims = array<i64: 1>, starts = array<i64: 1, 0>, round_dim = 0 : i64} : (!mapped.stream<vector, [8]>) -> ()
