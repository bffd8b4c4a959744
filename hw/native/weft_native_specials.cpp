// Special functions: the integers of hw/numerics/special.py, one lane after the other.
// weft_native_tables.h is written by hw/native/sources.py: the tables and the constants that go with them.

#include <algorithm>

#include "weft_native.h"
#include "weft_native_tables.h"
#include "weft_native_words.h"

using namespace weft_native;

namespace {

enum Special { NONE, EXP, RECIPROCAL, RSQRT, SIGMOID };

constexpr int BIAS = 127, FRACTION_BITS = 23;
constexpr int EXCESS_BITS = ARGUMENT_BITS - FRACTION_BITS;
constexpr int64_t HIDDEN_ONE = int64_t(1) << ARGUMENT_BITS, FRACTION_MASK = HIDDEN_ONE - 1;
constexpr int64_t DELTA_MASK = (1 << DELTA_BITS) - 1;

// An operand taken apart; the significand of zeros and subnormals is 0.
struct Number {
    explicit Number(uint32_t bits)
        : exponent(bits >> FRACTION_BITS & 0xff),
          significand(exponent == 0 ? 0 : (bits & (LEAST - 1)) | LEAST),
          sign(bits & SIGN),
          nan((bits & MAGNITUDE) > INFINITE) {}
    int exponent;
    int64_t significand;
    uint32_t sign;
    bool nan;
};

// 2^whole * value / 2^30.
struct Power {
    int64_t whole, value;
};

int64_t square_term(const Segment& segment, int64_t delta) {
    return (segment.c2 * (delta >> (DELTA_BITS - SHORT_DELTA_BITS))) >> SQUARE_SHIFT;
}

int64_t increasing(const Segment& segment, int64_t delta) {
    return segment.c0 + (((segment.c1 + square_term(segment, delta)) * delta) >> C1_BITS);
}

int64_t decreasing(const Segment& segment, int64_t delta) {
    return segment.c0 - (((segment.c1 - square_term(segment, delta)) * delta) >> (C1_BITS - 1));
}

// 2^61 / (2^30 + fraction), approximately.
int64_t reciprocal_of(int64_t fraction) {
    return decreasing(INVERSE[fraction >> (DELTA_BITS - 1)], fraction & (DELTA_MASK >> 1));
}

// A positive number with its leading one at bit 30, rounded to nearest even and flushed.
uint32_t rounded(int64_t exponent, int64_t value) {
    constexpr int64_t half = 1 << (EXCESS_BITS - 1);
    const int64_t last = value >> EXCESS_BITS & 1;
    const int64_t packed = exponent * LEAST - LEAST + ((value + half - 1 + last) >> EXCESS_BITS);
    return packed < LEAST ? 0 : static_cast<uint32_t>(std::min<int64_t>(packed, INFINITE));
}

// e to the power of a number that does not saturate, or of its negative.
Power exp_of(const Number& x, bool negative) {
    const int64_t product = x.significand * LOG2_E;
    const int places = std::clamp(SATURATED_EXPONENT - 1 - x.exponent, 0, 40);
    const int64_t magnitude = product >> (FRACTION_BITS + LOG2_E_BITS - ARGUMENT_BITS - 6) >> places;
    const int64_t power = negative ? -magnitude : magnitude;
    const int64_t fraction = power & FRACTION_MASK;
    return {power >> ARGUMENT_BITS, increasing(EXP2[fraction >> DELTA_BITS], fraction & DELTA_MASK)};
}

uint32_t exp(const Number& x) {
    if (x.exponent >= SATURATED_EXPONENT) return x.sign ? 0 : INFINITE;
    const Power power = exp_of(x, x.sign != 0);
    return rounded(power.whole + BIAS, power.value);
}

uint32_t reciprocal(const Number& x) {
    if (x.exponent == 0) return INFINITE | x.sign;
    if (x.exponent == 0xff) return x.sign;
    const int64_t value = reciprocal_of((x.significand << EXCESS_BITS) & FRACTION_MASK);
    return rounded(2 * BIAS - 1 - x.exponent, value) | x.sign;
}

uint32_t rsqrt(const Number& x) {
    if (x.exponent == 0) return INFINITE | x.sign;
    if (x.sign) return NOT_A_NUMBER;
    if (x.exponent == 0xff) return 0;
    const int64_t fraction = (x.significand << EXCESS_BITS) & FRACTION_MASK;
    // The bias is odd: an even biased exponent belongs to an odd power of two.
    const int64_t first = RECIPROCAL_SEGMENTS + (x.exponent & 1 ? 0 : RSQRT_SEGMENTS);
    const int64_t value = decreasing(INVERSE[first + (fraction >> DELTA_BITS)], fraction & DELTA_MASK);
    return rounded(BIAS + 63 - ((x.exponent + 1) >> 1), value);
}

uint32_t sigmoid(const Number& x) {
    if (x.exponent >= SATURATED_EXPONENT) return x.sign ? 0 : ONE;
    const Power power = exp_of(x, x.sign == 0);
    // The sum of 1 and e^-x, relative to the power of two of the greater.
    const int64_t distance = std::min<int64_t>(power.whole < 0 ? -power.whole : power.whole, 63);
    const int64_t total =
        power.whole < 0 ? HIDDEN_ONE + (power.value >> distance) : power.value + (HIDDEN_ONE >> distance);
    const int64_t carry = total >> (ARGUMENT_BITS + 1);
    const int64_t quotient = reciprocal_of((total >> carry) & FRACTION_MASK);
    return rounded(BIAS - 1 - std::max<int64_t>(power.whole, 0) - carry, quotient);
}

template <class Function>
void each_lane(int lanes, const uint32_t* x, uint32_t* r, Function function) {
    for (int lane = 0; lane < lanes; ++lane) {
        const Number number(x[lane]);
        r[lane] = number.nan ? NOT_A_NUMBER : function(number);
    }
}

}  // namespace

void weft_native_special(int lanes, unsigned char op, const svBitVecVal* x, svBitVecVal* r) {
    switch (op) {
    case EXP: return each_lane(lanes, x, r, exp);
    case RECIPROCAL: return each_lane(lanes, x, r, reciprocal);
    case RSQRT: return each_lane(lanes, x, r, rsqrt);
    case SIGMOID: return each_lane(lanes, x, r, sigmoid);
    default: std::memcpy(r, x, lanes * sizeof *r);
    }
}
