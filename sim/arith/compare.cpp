// Feeds a real unit and its native twin with the same operands and compares what they give: see models.py for the bench.
//
//   Vbench corners OP             every combination of corner operands
//   Vbench random OP COUNT SEED   COUNT sets of operands, eight kinds of them in turn
//   Vbench range OP FIRST LAST    every x from FIRST to LAST and, of a product, every pair of bf16 in one word
//
// Prints the sets of operands compared, the differences, seconds of the processor, and the first difference. LANES, OPERANDS and DELAY are given by
// the compiler's command line: DELAY is the latency and one, OPERANDS 1 to 3. A bench with TREE has one result for all lanes.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "Vbench.h"
#include "bench.h"
#include "verilated.h"

namespace {

// Zeros, subnormals, the edges of the normal range, infinities, NaNs, halfway cases of conversions, and neighbours of
// numbers at which something changes.
const uint32_t MAGNITUDES[] = {
    0x00000000, 0x00000001, 0x00400000, 0x007fffff, 0x00800000, 0x00800001, 0x00ffffff, 0x01000000, 0x1fffffff,
    0x20000000, 0x33800000, 0x3effffff, 0x3f000000, 0x3f000001, 0x3f7fffff, 0x3f800000, 0x3f800001, 0x3f808000,
    0x3f818000, 0x3fc00000, 0x3fffffff, 0x40000000, 0x40200000, 0x42afffff, 0x42b17218, 0x42feffff, 0x42ff0000,
    0x43000000, 0x4b000001, 0x4b7fffff, 0x4b800000, 0x4effffff, 0x4f000000, 0x5f800001, 0x7effffff, 0x7f000000,
    0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fbfffff, 0x7fc00000, 0x7fffffff,
};
constexpr uint64_t CORNERS = 2 * sizeof MAGNITUDES / sizeof *MAGNITUDES;
uint32_t corner(uint64_t index) { return MAGNITUDES[index / 2] | (index & 1 ? 0x80000000u : 0); }

struct Operands {
    uint32_t a[LANES], b[LANES], c[LANES];
};

class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint64_t next() {  // splitmix64
        uint64_t z = state_ += 0x9e3779b97f4a7c15ull;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ z >> 27) * 0x94d049bb133111ebull;
        return z ^ z >> 31;
    }

private:
    uint64_t state_;
};

float number(uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

uint32_t bits(float value) {
    uint32_t word;
    std::memcpy(&word, &value, sizeof word);
    return word;
}

void random_operands(Random& random, int kind, uint32_t& a, uint32_t& b, uint32_t& c) {
    const uint64_t first = random.next(), second = random.next();
    a = first;
    b = first >> 32;
    c = second;
    const uint32_t noise = second >> 32;
    switch (kind) {
    case 0: return;
    case 1:  // exponents near each other
        c = ((a & 0x7f800000) - ((int32_t(noise % 31) - 3) << 23)) & 0x7f800000;
        c |= second & 0x807fffff;
        return;
    case 2: c = (a + int32_t(noise % 141) - 70) ^ 0x80000000; return;  // almost cancelling
    case 3:                                                           // few bits: ties
        a &= 0xff800007;
        c = (c & 0x807c0000) | (a & 0x7f800000);
        b &= 0xfff00000;
        return;
    case 4:  // moderate, as in a decoder: 2^-8 to 2^8
        a = (a & 0x807fffff) | (119 + noise % 16) << 23;
        b = (b & 0x807f0000) | (119 + (noise >> 4) % 16) << 23;
        c = (c & 0x807fffff) | (119 + (noise >> 8) % 16) << 23;
        return;
    case 5:  // products around the smallest normal number
        b = (b & 0x807fffff) | ((128 - (a >> 23 & 0xff) + noise % 5 - 3) & 0xff) << 23;
        return;
    case 6:  // sums that almost cancel a product
        a = (a & 0x807fffff) | (96 + noise % 64) << 23;
        b = (b & 0x807fffff) | (96 + (noise >> 8) % 64) << 23;
        c = (bits(number(a) * number(b)) + int32_t(noise >> 16 & 7) - 4) ^ 0x80000000;
        return;
    default:  // corners among others
        if (noise & 1) a = corner(noise / 8 % CORNERS);
        if (noise & 2) b = corner(noise / 1024 % CORNERS);
        if (noise & 4) c = corner(noise / 131072 % CORNERS);
    }
}

class Comparison {
public:
    explicit Comparison(int op) { bench_.op = op; }

    // A set of operands in each lane.
    void feed(const Operands& operands) {
        history_[cycle_ % HISTORY] = operands;
        std::memcpy(&bench_.next_a, operands.a, sizeof operands.a);
        if (OPERANDS > 1) {
            std::memcpy(&bench_.next_b, operands.b, sizeof operands.b);
            std::memcpy(&bench_.next_c, operands.c, sizeof operands.c);
        }
        clock();
        // The results on show are those of the operands DELAY cycles ago.
        if (cycle_ >= DELAY) compare();
    }

    int finish() {
        for (int lag = 1; lag < DELAY; ++lag) feed(Operands{});
        const double seconds = double(std::clock()) / CLOCKS_PER_SEC;
        std::printf("%llu %llu %.3f %s\n", (unsigned long long)compared_, (unsigned long long)wrong_, seconds, first_);
        return wrong_ != 0 || compared_ == 0;
    }

private:
    static constexpr uint64_t HISTORY = 64;

    void clock() {
        bench_.clk = 0;
        bench_.eval();
        bench_.clk = 1;
        bench_.eval();
        ++cycle_;
    }

    void compare() {
        const auto* real = reinterpret_cast<const uint32_t*>(&bench_.real_r);
        const auto* native = reinterpret_cast<const uint32_t*>(&bench_.native_r);
        compared_ += LANES;
        if (!std::memcmp(real, native, RESULTS * sizeof *real)) return;
        const Operands& given = history_[(cycle_ - DELAY) % HISTORY];
        for (int lane = 0; lane < RESULTS; ++lane) {
            if (real[lane] == native[lane]) continue;
            if (wrong_++ == 0)
                std::snprintf(first_, sizeof first_, "(%08x, %08x, %08x) gave %08x natively, %08x in logic", given.a[lane],
                              given.b[lane], given.c[lane], native[lane], real[lane]);
        }
    }

    Vbench bench_;
    Operands history_[HISTORY];
    uint64_t cycle_ = 0, compared_ = 0, wrong_ = 0;
    char first_[128] = "";
};

}  // namespace

int main(int count, char** words) {
    if (count < 3) return 2;
    const auto argument = [=](int index) { return index < count ? std::strtoull(words[index], nullptr, 10) : 0; };
    Comparison comparison(argument(2));
    Operands operands{};
    if (!std::strcmp(words[1], "corners")) {
        const uint64_t all = OPERANDS > 1 ? CORNERS * CORNERS * CORNERS : TREE ? CORNERS * CORNERS : CORNERS;
        for (uint64_t at = 0; at < all; at += TREE ? 1 : LANES) {
            for (int lane = 0; lane < LANES; ++lane) {
                const uint64_t index = TREE ? at + (lane & 1 ? 0 : 7 * lane) : at + lane;
                operands.a[lane] = corner((TREE && lane & 1 ? index / CORNERS : index) % CORNERS);
                operands.b[lane] = corner(index / CORNERS % CORNERS);
                operands.c[lane] = corner(index / CORNERS / CORNERS % CORNERS);
            }
            comparison.feed(operands);
        }
    } else if (!std::strcmp(words[1], "random")) {
        Random random(argument(4));
        for (uint64_t at = 0; at < argument(3); at += LANES) {
            const int kind = at / LANES % 8;
            for (int lane = 0; lane < LANES; ++lane)
                random_operands(random, kind, operands.a[lane], operands.b[lane], operands.c[lane]);
            // The elements of a tree are paired as operands a and c are.
            if (TREE)
                for (int lane = 1; lane < LANES; lane += 2) operands.a[lane] = operands.c[lane - 1];
            comparison.feed(operands);
        }
    } else {
        for (uint64_t at = argument(3); at <= argument(4); at += LANES) {
            for (int lane = 0; lane < LANES; ++lane) {
                const uint32_t word = at + lane;
                operands.a[lane] = OPERANDS > 1 ? word & 0xffff0000 : word;
                operands.b[lane] = OPERANDS > 1 ? word << 16 : 0;
            }
            comparison.feed(operands);
        }
    }
    return comparison.finish();
}
