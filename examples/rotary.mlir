// Rotary embedding: the two halves of each row turn by an angle of its position.
step.tensor @x : f32 [8, 24] input
step.tensor @cosine : f32 [8, 12] input
step.tensor @sine : f32 [8, 12] input
step.tensor @y : f32 [8, 24] output
%left = step.load @x : !step.stream<f32, [8, 12]>
%right = step.load @x from [0, 12] : !step.stream<f32, [8, 12]>
%cosine = step.load @cosine : !step.stream<f32, [8, 12]>
%sine = step.load @sine : !step.stream<f32, [8, 12]>
%left_cosine = step.map mul %left, %cosine : !step.stream<f32, [8, 12]>
%right_sine = step.map mul %right, %sine : !step.stream<f32, [8, 12]>
%first = step.map sub %left_cosine, %right_sine : !step.stream<f32, [8, 12]>
%left_sine = step.map mul %left, %sine : !step.stream<f32, [8, 12]>
%second = step.map muladd %right, %cosine, %left_sine : !step.stream<f32, [8, 12]>
%y = step.concat %first, %second over 1 : !step.stream<f32, [8, 24]>
step.store %y in @y
