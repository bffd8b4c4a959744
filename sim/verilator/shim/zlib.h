// Stands in for zlib.h where the library's headers are missing, so that FST waves need no package beyond the compiler.
// Writes valid zlib streams of stored blocks.
#pragma once
#include <cstdint>
#include <cstring>

using Bytef = unsigned char;
using uLong = unsigned long;
using uLongf = unsigned long;
constexpr int Z_OK = 0;

inline uLong compressBound(uLong size) { return size + 5 * (size / 65535 + 1) + 6; }

inline int compress2(Bytef* target, uLongf* target_size, const Bytef* source, uLong size, int) {
    Bytef* out = target;
    *out++ = 0x78;
    *out++ = 0x01;
    uint32_t a = 1, b = 0;
    for (uLong i = 0; i < size; ++i) {
        a = (a + source[i]) % 65521;
        b = (b + a) % 65521;
    }
    uLong done = 0;
    do {
        const uLong length = size - done < 65535 ? size - done : 65535;
        *out++ = done + length == size;
        *out++ = length & 255;
        *out++ = length >> 8;
        *out++ = ~length & 255;
        *out++ = (~length >> 8) & 255;
        std::memcpy(out, source + done, length);
        out += length;
        done += length;
    } while (done < size);
    for (const uint32_t half : {b, a}) {
        *out++ = half >> 8;
        *out++ = half & 255;
    }
    *target_size = out - target;
    return Z_OK;
}
