// Conversions between fp32, bf16 and int32.

#include "weft_native.h"
#include "weft_native_words.h"

using namespace weft_native;

namespace {

enum Conversion { NONE, TO_BF16, TO_INT32, FROM_INT32 };

WEFT_INLINE Words to_bf16(Words x) {
    x = canonical(x);
    return (x + 0x7fff + (x >> 16 & 1)) & 0xffff0000;
}

uint32_t to_int32(uint32_t x) {
    if ((x & MAGNITUDE) > INFINITE) return 0;
    float number;
    std::memcpy(&number, &x, sizeof number);
    const double least = -2147483648.0, greatest = 2147483647.0;
    const double limited = number < least ? least : number > greatest ? greatest : number;
    // Adding 1.5 * 2^52 rounds to an integer, which is then the low half of the sum. Subnormals become 0 either way.
    const double sum = limited + 6755399441055744.0;
    uint64_t bits;
    std::memcpy(&bits, &sum, sizeof bits);
    return static_cast<uint32_t>(bits);
}

uint32_t from_int32(uint32_t x) {
    const float number = static_cast<float>(static_cast<int32_t>(x));
    std::memcpy(&x, &number, sizeof x);
    return x;
}

}  // namespace

void weft_native_convert(int lanes, unsigned char op, const svBitVecVal* x, svBitVecVal* r) {
    switch (op) {
    case TO_BF16:
        for (int lane = 0; lane < lanes; lane += GROUP)
            store(r + lane, to_bf16(load(x + lane, lanes - lane)), lanes - lane);
        return;
    case TO_INT32:
        for (int lane = 0; lane < lanes; ++lane) r[lane] = to_int32(x[lane]);
        return;
    case FROM_INT32:
        for (int lane = 0; lane < lanes; ++lane) r[lane] = from_int32(x[lane]);
        return;
    default: std::memcpy(r, x, lanes * sizeof *r);
    }
}
