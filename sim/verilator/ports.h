// Values of ports in Verilator's types: kept, compared, and passed through DPI.
#pragma once

#include <cstring>
#include <utility>

#include "array.h"
#include "svdpi.h"
#include "verilated.h"

template <class Member>
Pin pin(Member& member) {
    return {&member, sizeof member};
}
template <class Member>
Net net(const Member& member) {
    return {&member, sizeof member};
}

// `renew` and `take` tell whether the value is a new one.
template <class Member>
bool renew(Member& old, const Member& member) {
    return std::exchange(old, member) != member;
}
template <std::size_t WORDS>
bool renew(VlWide<WORDS>& old, const VlWide<WORDS>& member) {
    if (!std::memcmp(old.data(), member.data(), 4 * WORDS)) return false;
    old = member;
    return true;
}

template <class Member>
bool take(Member& member, const svBitVecVal* value) {
    Member fresh = value[0];
    if constexpr (sizeof(Member) == 8) fresh |= static_cast<uint64_t>(value[1]) << 32;
    return std::exchange(member, fresh) != fresh;
}
inline bool take(CData& member, svBit value) { return std::exchange(member, value) != value; }
template <std::size_t WORDS>
bool take(VlWide<WORDS>& member, const svBitVecVal* value) {
    if (!std::memcmp(member.data(), value, 4 * WORDS)) return false;
    std::memcpy(member.data(), value, 4 * WORDS);
    return true;
}

template <class Member>
void give(svBitVecVal* value, const Member& member) {
    value[0] = static_cast<uint32_t>(member);
    if constexpr (sizeof(Member) == 8) value[1] = static_cast<uint32_t>(member >> 32);
}
inline void give(svBit* value, const CData& member) { *value = member; }
template <std::size_t WORDS>
void give(svBitVecVal* value, const VlWide<WORDS>& member) {
    std::memcpy(value, member.data(), 4 * WORDS);
}
