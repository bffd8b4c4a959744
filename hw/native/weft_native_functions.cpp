// Function units and reduction trees.

#include <cmath>

#include "weft_native.h"
#include "weft_native_words.h"

namespace weft_native {

namespace {

// The midpoint between 2^-126 and the 24-bit number below it, which rounds up to the even 2^-126.
const double LEAST_KEPT_PRODUCT = std::ldexp(1.0, -126) - std::ldexp(1.0, -151);

enum Op { PASS, MUL, MULADD, ADD, SUB, IMAX, MAX, MIN, LT, LE, EQ, SELECT, IADD, ISUB, ILT, IEQ };
enum Reduction { NONE, SUM, GREATEST, LEAST_OF_ALL };

template <Op op>
WEFT_INLINE Words applied(Words a, Words b, Words c) {
    if constexpr (op == MUL) return canonical(product(a, b));
    if constexpr (op == MULADD) return sum(product(a, b), flush(c));
    if constexpr (op == ADD) return add(a, c);
    if constexpr (op == SUB) return add(a, c ^ SIGN);
    if constexpr (op == MAX || op == MIN) return extreme(a, c, op == MAX);
    if constexpr (op == LT) return (Words)((Reals)flush(a) < (Reals)flush(c)) & ONE;
    if constexpr (op == LE) return (Words)((Reals)flush(a) <= (Reals)flush(c)) & ONE;
    if constexpr (op == EQ) return (Words)((Reals)flush(a) == (Reals)flush(c)) & ONE;
    if constexpr (op == SELECT) return select(is_nonzero(a), b, c);
    if constexpr (op == IADD) return a + c;
    if constexpr (op == ISUB) return a - c;
    if constexpr (op == IMAX) return select((Words)((Integers)a < (Integers)c), c, a);
    if constexpr (op == ILT) return (Words)((Integers)a < (Integers)c) & ONE;
    if constexpr (op == IEQ) return (Words)(a == c) & ONE;
    return a;
}

// All of a group of lanes is there, even if only some of it means something.
template <Op op>
WEFT_INLINE void apply(int lanes, const uint32_t* a, const uint32_t* b, const uint32_t* c, uint32_t* r) {
    for (int lane = 0; lane < lanes; lane += GROUP)
        store(r + lane, applied<op>(load(a + lane), load(b + lane), load(c + lane)));
}

WEFT_INLINE void apply(unsigned char op, int lanes, const uint32_t* a, const uint32_t* b, const uint32_t* c,
                       uint32_t* r) {
    switch (op) {
    case MUL: return apply<MUL>(lanes, a, b, c, r);
    case MULADD: return apply<MULADD>(lanes, a, b, c, r);
    case ADD: return apply<ADD>(lanes, a, b, c, r);
    case SUB: return apply<SUB>(lanes, a, b, c, r);
    case IMAX: return apply<IMAX>(lanes, a, b, c, r);
    case MAX: return apply<MAX>(lanes, a, b, c, r);
    case MIN: return apply<MIN>(lanes, a, b, c, r);
    case LT: return apply<LT>(lanes, a, b, c, r);
    case LE: return apply<LE>(lanes, a, b, c, r);
    case EQ: return apply<EQ>(lanes, a, b, c, r);
    case SELECT: return apply<SELECT>(lanes, a, b, c, r);
    case IADD: return apply<IADD>(lanes, a, b, c, r);
    case ISUB: return apply<ISUB>(lanes, a, b, c, r);
    case ILT: return apply<ILT>(lanes, a, b, c, r);
    case IEQ: return apply<IEQ>(lanes, a, b, c, r);
    default: std::memcpy(r, a, lanes * sizeof *r);
    }
}

}  // namespace

void reaches_least(const Words& a, const Words& b, Words& result) {
    for (int lane = 0; lane < GROUP; ++lane) {
        // Two significands of 24 bits: exact in a double.
        const double product = double(((Reals)a)[lane]) * double(((Reals)b)[lane]);
        result[lane] = std::fabs(product) < LEAST_KEPT_PRODUCT ? 0 : ~0u;
    }
}

}  // namespace weft_native

using namespace weft_native;

WEFT_VECTORS void weft_native_function(int lanes, unsigned char op, unsigned long long bypass,
                                       svOpenArrayHandle operands, svOpenArrayHandle result) {
    const uint32_t* const a = static_cast<const uint32_t*>(svGetArrayPtr(operands));
    const int row = (lanes + GROUP - 1) / GROUP * GROUP;
    const uint32_t *const b = a + row, *const c = b + row;
    uint32_t* const r = static_cast<uint32_t*>(svGetArrayPtr(result));
    if (bypass == ~0ull >> (64 - lanes)) {
        std::memcpy(r, c, lanes * sizeof *r);
        return;
    }
    apply(op, lanes, a, b, c, r);
    for (int lane = 0; bypass; ++lane, bypass >>= 1)
        if (bypass & 1) r[lane] = c[lane];
}

WEFT_VECTORS void weft_native_reduce(int lanes, unsigned char op, const svBitVecVal* x, svBitVecVal* r) {
    uint32_t level[64], left[32]{}, right[32]{};
    std::memcpy(level, x, lanes * sizeof *x);
    // Level by level, element 2i with element 2i + 1.
    for (int count = op == NONE ? 0 : lanes / 2; count > 0; count /= 2) {
        for (int node = 0; node < count; ++node) {
            left[node] = level[2 * node];
            right[node] = level[2 * node + 1];
        }
        if (op == SUM)
            apply<ADD>(count, left, right, right, level);
        else if (op == GREATEST)
            apply<MAX>(count, left, right, right, level);
        else
            apply<MIN>(count, left, right, right, level);
    }
    *r = level[0];
}
