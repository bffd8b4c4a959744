"""What units do, firing by firing: which beats each firing takes and gives, and how soon the next one can follow.

There is one description for each kind of unit, beside its program. Who reads it gives it the streams that arrive, as
far as it knows them: the functional device with the words in them, the check for deadlocks and the performance model
without. Where words decide, an argument of the description says so (selectors, lengths, indices).

=================================== ============================= =========================================
reader                              takes from a description      adds
=================================== ============================= =========================================
``weft.sim.functional``             which beats make a step,      words, arithmetic, memory
                                    addresses, lengths, stops
``weft.compiler.backend.buffering`` processes, shapes of outputs  room in links and rings
``weft.compiler.timing``            processes, addresses          latencies, bursts, channels
=================================== ============================= =========================================
"""
