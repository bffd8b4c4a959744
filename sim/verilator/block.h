// A module compiled on its own (see block.py) as a part of an array: its model, and the right to sleep.
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

#include "array.h"
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

class Block : public Part {
public:
    explicit Block(std::string path) : path_(std::move(path)) { all().push_back(this); }

    // Every block of the simulation, in the order in which they were made.
    static std::vector<Block*>& all() {
        static std::vector<Block*> blocks;
        return blocks;
    }

    // Where in the design it is.
    const std::string& path() const { return path_; }

    // A counter as if there had been no sleep; 0 if the block has none of that name.
    uint32_t counter(const char* name) const {
        const uint64_t slept = asleep_ ? *edges - last_ : 0;
        for (const BlockCounter& each : counters_)
            if (!std::strcmp(each.name, name)) return *each.value + static_cast<uint32_t>(slept) * each.growth;
        return 0;
    }

    bool step(std::vector<Net*>& moved) final {
        if (std::exchange(asleep_, false)) {
            const auto slept = static_cast<uint32_t>(*edges - last_ - 1);  // growth is modulo 2^32 as the counters are
            for (BlockCounter& each : counters_) *each.value += slept * each.growth;
        }
        last_ = *edges;
        const uint64_t effects = weft_block_effects;
        const size_t outputs_before = moved.size();
        edge(moved);
        if (std::exchange(changed, false) || moved.size() != outputs_before || weft_block_effects != effects) {
            quiet_ = 0;
            patience_ = PATIENCE;
        } else if (++quiet_ == patience_) {
            remember();
        } else if (quiet_ > patience_) {
            asleep_ = unchanged();
            quiet_ = 0;
            patience_ = asleep_ ? PATIENCE : patience_ < LONGEST ? 2 * patience_ : LONGEST;
        }
        return !asleep_;
    }

protected:
    // Simulate an edge, with inputs that have `changed` since the last one or not; append the outputs that changed.
    virtual void edge(std::vector<Net*>& moved) = 0;

    // The state is compared as bytes; `counters` lie within it.
    void hold(void* state, size_t bytes, std::vector<BlockCounter> counters) {
        state_ = state;
        bytes_ = bytes;
        counters_ = std::move(counters);
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
    void* state_ = nullptr;
    size_t bytes_ = 0;
    std::vector<BlockCounter> counters_;
    std::unique_ptr<char[]> before_;
    bool asleep_ = false;
    int quiet_ = 0, patience_ = PATIENCE;
    uint64_t last_ = 0;  // edge that was simulated
};
