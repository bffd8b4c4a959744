// The functions behind the modules weft_native_*.sv: what hw/numerics defines, bit for bit, on the host's arithmetic.
// All of them are pure. `lanes` is the number of words of every operand; operation codes are those of hw/numerics/ops.py.
#pragma once

#include "svdpi.h"

extern "C" {

// A function unit in each lane: the words of a, those of b and those of c give those of r. In the lanes whose bit of
// `bypass` is set, that of lane 0 the lowest, r is c.
void weft_native_function(int lanes, unsigned char op, unsigned long long bypass, svOpenArrayHandle operands,
                          svOpenArrayHandle r);

// The tree over the lanes, a power of two of them and 64 at most: one word.
void weft_native_reduce(int lanes, unsigned char op, const svBitVecVal* x, svBitVecVal* r);

// A special function in each lane.
void weft_native_special(int lanes, unsigned char op, const svBitVecVal* x, svBitVecVal* r);

// A conversion in each lane.
void weft_native_convert(int lanes, unsigned char op, const svBitVecVal* x, svBitVecVal* r);

}  // extern "C"
