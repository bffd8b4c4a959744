// y = a / b, within 2 units of the last place.
step.tensor @a : f32 [6, 21] input
step.tensor @b : f32 [6, 21] input
step.tensor @y : f32 [6, 21] output
%a = step.load @a : !step.stream<f32, [6, 21]>
%b = step.load @b : !step.stream<f32, [6, 21]>
%y = step.map div_approx %a, %b : !step.stream<f32, [6, 21]>
step.store %y in @y
