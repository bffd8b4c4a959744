// Eight lanes at once: words, their numbers, and what every native function does to an operand and to a result.
//
// Nothing here depends on the compiler's or the processor's floating-point modes but rounding to nearest even, which is
// what a process begins with. Subnormals are flushed on the bits. A product is brought back to bits and flushed before
// anything is added to it, so no compiler can contract the two.
#pragma once

#include <cstdint>
#include <cstring>

#ifdef __FAST_MATH__
#error "native arithmetic must not be compiled with -ffast-math"
#endif

// All of it must be inlined into what is compiled for several processors.
#define WEFT_INLINE [[gnu::always_inline]] inline
#pragma GCC diagnostic ignored "-Wpsabi"  // wide vectors are never passed between functions that exist

// The same code once more for processors that have AVX2 (which has no fused multiply-add).
#if defined(__x86_64__) && defined(__gnu_linux__)
#define WEFT_VECTORS __attribute__((target_clones("avx2", "default")))
#else
#define WEFT_VECTORS
#endif

namespace weft_native {

using Words = uint32_t __attribute__((vector_size(32)));
using Integers = int32_t __attribute__((vector_size(32)));
using Reals = float __attribute__((vector_size(32)));
constexpr int GROUP = 8;

constexpr uint32_t SIGN = 0x80000000, MAGNITUDE = 0x7fffffff;
constexpr uint32_t INFINITE = 0x7f800000, NOT_A_NUMBER = 0x7fc00000, LEAST = 0x00800000, ONE = 0x3f800000;

WEFT_INLINE Words load(const uint32_t* words) {
    Words value;
    std::memcpy(&value, words, sizeof value);
    return value;
}

WEFT_INLINE void store(uint32_t* words, Words value) { std::memcpy(words, &value, sizeof value); }

// Up to eight lanes from memory; the missing ones are zero.
WEFT_INLINE Words load(const uint32_t* words, int count) {
    Words value{};
    if (count >= GROUP)
        std::memcpy(&value, words, sizeof value);
    else
        std::memcpy(&value, words, count * sizeof *words);
    return value;
}

WEFT_INLINE void store(uint32_t* words, Words value, int count) {
    if (count >= GROUP)
        std::memcpy(words, &value, sizeof value);
    else
        std::memcpy(words, &value, count * sizeof *words);
}

// Conditions are words of ones or of zeros.
WEFT_INLINE Words select(Words condition, Words yes, Words no) { return (condition & yes) | (~condition & no); }

WEFT_INLINE bool any(Words condition) {
    uint64_t parts[4];
    std::memcpy(parts, &condition, sizeof parts);
    return (parts[0] | parts[1] | parts[2] | parts[3]) != 0;
}

WEFT_INLINE Words is_nonzero(Words x) { return (Words)((Integers)(x & INFINITE) > 0); }
WEFT_INLINE Words is_nan(Words x) { return (Words)((Reals)x != (Reals)x); }

// Subnormals become the zero of their sign.
WEFT_INLINE Words flush(Words x) { return x & (is_nonzero(x) | SIGN); }

// Flushed, and any NaN the one that there is.
WEFT_INLINE Words canonical(Words x) { return select(is_nan(x), Words{} + NOT_A_NUMBER, flush(x)); }

// A sum below the smallest normal number is exact, so flushing cannot disturb its rounding. Operands are flushed.
WEFT_INLINE Words sum(Words a, Words b) { return canonical((Words)((Reals)a + (Reals)b)); }

WEFT_INLINE Words add(Words a, Words b) { return sum(flush(a), flush(b)); }

// Whether a product that became 2^-126 is there only because it was rounded to the spacing of subnormals. By reference,
// the result too: code for AVX2 would take a vector from a register where this function, for any processor, has none.
void reaches_least(const Words& a, const Words& b, Words& result);

// Flushed, with any NaN.
WEFT_INLINE Words product(Words a, Words b) {
    a = flush(a);
    b = flush(b);
    Words value = (Words)((Reals)a * (Reals)b);
    const Words suspect = (Words)((value & MAGNITUDE) == LEAST);
    if (__builtin_expect(any(suspect), 0)) {
        Words least;
        reaches_least(a, b, least);
        value &= ~suspect | SIGN | least;
    }
    return flush(value);
}

// Integers in the order of the numbers, -0 just below +0.
WEFT_INLINE Integers order_key(Words x) { return (Integers)x ^ (((Integers)x >> 31) & (int32_t)MAGNITUDE); }

WEFT_INLINE Words extreme(Words a, Words b, bool greatest) {
    const Words nan = is_nan(a) | is_nan(b);
    a = flush(a);
    b = flush(b);
    const Words a_above = (Words)(order_key(a) >= order_key(b));
    return select(nan, Words{} + NOT_A_NUMBER, greatest ? select(a_above, a, b) : select(a_above, b, a));
}

}  // namespace weft_native
