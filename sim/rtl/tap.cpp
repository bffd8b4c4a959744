// Beats that tiles report (see weft_tap.sv), kept by tile until Python has fetched them.

#include <map>
#include <vector>

#include "block.h"
#include "weft_sim.h"

namespace {

struct Tap {
    int lanes = 0;
    std::vector<uint32_t> data;
    std::vector<uint8_t> marks;  // stop, and in bit 7 whether the beat is void
};

std::map<int, Tap> taps;
bool recording = false;

}  // namespace

extern "C" {

void weft_tap_record(int tile, int lanes, const svBitVecVal* data, int stop, svBit is_void) {
    weft_progress();
    ++weft_block_effects;
    if (!recording) return;
    Tap& tap = taps[tile];
    tap.lanes = lanes;
    tap.data.insert(tap.data.end(), data, data + lanes);
    tap.marks.push_back((stop & 0x7f) | is_void << 7);
}

// Forget what was recorded; keep what comes if `enable`.
void weft_tap_start(int enable) {
    recording = enable;
    taps.clear();
}

int weft_tap_tiles(int* tiles, int room) {
    int count = 0;
    for (const auto& [tile, tap] : taps) {
        if (count < room) tiles[count] = tile;
        ++count;
    }
    return count;
}

uint64_t weft_tap_beats(int tile) { return taps[tile].marks.size(); }
int weft_tap_lanes(int tile) { return taps[tile].lanes; }
const uint32_t* weft_tap_data(int tile) { return taps[tile].data.data(); }
const uint8_t* weft_tap_marks(int tile) { return taps[tile].marks.data(); }

}  // extern "C"
