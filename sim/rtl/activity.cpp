// What the tiles' counters said in the course of a launch: sampled at the end of each window of cycles.

#include <vector>

#include "block.h"
#include "weft_sim.h"

namespace {

constexpr const char* COUNTERS[] = {"busy", "starved", "blocked", "beats"};
uint64_t window = 0;
std::vector<uint32_t> samples;

void sample() {
    for (const Block* block : Block::all())
        for (const char* name : COUNTERS) samples.push_back(block->counter(name));
}

}  // namespace

void weft_activity_cycle(uint64_t since, bool last) {
    if (window && (last || (since && since % window == 0))) sample();
}

extern "C" {

// Forget the samples; take more from now on, one every `cycles` of a launch, none if 0.
void weft_activity_start(uint64_t cycles) {
    window = cycles;
    samples.clear();
}

int weft_activity_blocks() { return Block::all().size(); }
const char* weft_activity_path(int block) { return Block::all()[block]->path().c_str(); }
uint64_t weft_activity_count() { return samples.size(); }
const uint32_t* weft_activity_data() { return samples.data(); }

}  // extern "C"
