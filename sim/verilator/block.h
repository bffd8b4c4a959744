// What every block compiled on its own (see block.py) has beside its model: the right to sleep.
//
// The model is a function from its state and its inputs to its next state, so once an edge has left the state as it was,
// further edges with the same inputs do nothing, and are left out. What only counts (a register that grows by the same
// amount each cycle) does not keep a block awake: it is brought up to date when the block wakes.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "svdpi.h"
#include "verilated.h"

// What blocks have done to the outside by other ways than their outputs. A DPI function that does so must add one.
inline uint64_t weft_block_effects = 0;

// A register that only counts. Its growth in the last cycle that was simulated is that of every cycle slept.
struct BlockCounter {
    const char* name;
    uint32_t* value;
    uint32_t before = 0, growth = 0;
};

class Block {
public:
    // The state is compared as bytes; `counters` lie within it.
    Block(std::string path, void* state, size_t bytes, std::vector<BlockCounter> counters)
        : path_(std::move(path)), state_(state), bytes_(bytes), counters_(std::move(counters)) {
        all().push_back(this);
    }

    // Every block of the simulation, in the order in which they were made.
    static std::vector<Block*>& all() {
        static std::vector<Block*> blocks;
        return blocks;
    }

    // Where in the design it is.
    const std::string& path() const { return path_; }

    // A counter as if there had been no sleep; 0 if the block has none of that name.
    uint32_t counter(const char* name) const {
        for (const BlockCounter& each : counters_)
            if (!std::strcmp(each.name, name)) return *each.value + slept_ * each.growth;
        return 0;
    }

    // Called first at an edge: whether it can be left out.
    bool sleeps(bool inputs_changed) {
        if (!asleep_) {
            effects_ = weft_block_effects;
            return false;
        }
        if (!inputs_changed) {
            ++slept_;
            return true;
        }
        for (BlockCounter& each : counters_) *each.value += slept_ * each.growth;
        slept_ = 0;
        asleep_ = false;
        effects_ = weft_block_effects;
        return false;
    }

    // Called last at an edge that was simulated.
    void worked(bool inputs_changed, bool outputs_changed) {
        if (inputs_changed || outputs_changed || weft_block_effects != effects_) {
            quiet_ = 0;
            patience_ = PATIENCE;
        } else if (++quiet_ == patience_) {
            remember();
        } else if (quiet_ > patience_) {
            asleep_ = unchanged();
            quiet_ = 0;
            patience_ = asleep_ ? PATIENCE : patience_ < LONGEST ? 2 * patience_ : LONGEST;
        }
    }

private:
    // Quiet cycles before the state is compared, which costs as much as some cycles do: few at first, then more.
    static constexpr int PATIENCE = 2, LONGEST = 64;

    void remember() {
        if (!before_) before_ = std::make_unique<char[]>(bytes_);
        std::memcpy(before_.get(), state_, bytes_);
        for (BlockCounter& each : counters_) each.before = *each.value;
    }

    // Whether the state is as it was remembered but for the counters, whose growth is noted.
    bool unchanged() {
        for (BlockCounter& each : counters_) {
            each.growth = *each.value - each.before;
            *each.value = each.before;
        }
        const bool equal = !std::memcmp(before_.get(), state_, bytes_);
        for (BlockCounter& each : counters_) *each.value += each.growth;
        return equal;
    }

    std::string path_;
    void* state_;
    size_t bytes_;
    std::vector<BlockCounter> counters_;
    std::unique_ptr<char[]> before_;
    bool asleep_ = false;
    int quiet_ = 0, patience_ = PATIENCE;
    uint32_t slept_ = 0;  // growth is modulo 2^32 as the counters are
    uint64_t effects_ = 0;
};

// Ports between DPI and a model. `take` and `renew` tell whether the value is a new one.
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

template <class Member>
bool renew(Member& old, const Member& member) {
    return std::exchange(old, member) != member;
}
template <std::size_t WORDS>
bool renew(VlWide<WORDS>& old, const VlWide<WORDS>& member) {
    return take(old, member.data());
}
