// What the simulator's side of a test bench shares: time, progress, and what went wrong.
#pragma once
#include <cstdint>
#include <string>

#include "svdpi.h"

// Cycles since the simulation began.
uint64_t weft_now();
// Something moved; the watchdog starts anew.
void weft_progress();
// A sentence for the user. A fatal one ends what the host is doing.
void weft_note(const std::string& sentence, bool fatal);

// The host waits for a launch that was written so many cycles ago, or has just ended.
void weft_activity_cycle(uint64_t since, bool last);

// A small generator of our own, so that a seed means the same everywhere.
class Random {
public:
    void seed(uint64_t value) { state_ = value * 0x9e3779b97f4a7c15ull + 0x2545f4914f6cdd1dull; }
    uint32_t below(uint32_t limit) {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return static_cast<uint32_t>((state_ >> 32) % limit);
    }

private:
    uint64_t state_ = 1;
};
