// A recorded run around the same model with nothing but a clock: what it costs without a test bench.
//
//   simulator SCRIPT MEMORY OUT
//
// SCRIPT is what the host did, as sim/bare/recording.py writes it; MEMORY the file that is the memory, all zero; OUT gets
// what the host was told, and what the chip has written into memory. Prints the processor time of all but reading SCRIPT.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "Vtop.h"
#include "verilated.h"

extern "C" {
int weft_memory_map(const char* path, uint64_t bytes, int channels);
void weft_memory_timing(int number, uint32_t latency, double bandwidth, uint64_t seed);
void weft_host_write(uint32_t address, const uint32_t* words, uint64_t count, uint32_t step);
void weft_host_read(uint32_t address);
void weft_host_wait();
void weft_host_watchdog(uint64_t idle_cycles, uint64_t all_cycles);
int weft_host_outcome();
uint64_t weft_host_cycles();
uint64_t weft_host_results();
const uint32_t* weft_host_data();
void weft_host_forget();
void weft_activity_start(uint64_t cycles);
uint64_t weft_activity_count();
const uint32_t* weft_activity_data();
void weft_tap_start(int enable);
int weft_tap_tiles(int* tiles, int room);
uint64_t weft_tap_beats(int tile);
int weft_tap_lanes(int tile);
const uint32_t* weft_tap_data(int tile);
const uint8_t* weft_tap_marks(int tile);
}

double sc_time_stamp() { return 0; }

namespace {

constexpr int RESET_CYCLES = 21, IDLE_CYCLES = 5;  // as sim/rtl/server.py has them
enum Kind : uint32_t { MAP, TIMING, WATCHDOG, TAPS, SAMPLE, POKE, WRITE, READ, WAIT, RUN, PEEK, FETCH, ACTIVITY };

std::vector<uint32_t> words_of(const char* path) {
    std::FILE* file = std::fopen(path, "rb");
    if (!file) std::perror(path), std::exit(2);
    std::fseek(file, 0, SEEK_END);
    std::vector<uint32_t> words(std::ftell(file) / sizeof(uint32_t));
    std::rewind(file);
    if (std::fread(words.data(), sizeof(uint32_t), words.size(), file) != words.size()) std::exit(2);
    std::fclose(file);
    return words;
}

class Replay {
public:
    Replay(const char* script, const char* memory, const char* out)
        : words_(words_of(script)), memory_path_(memory), out_(std::fopen(out, "wb")) {
        if (!out_) std::perror(out), std::exit(2);
    }

    int play() {
        const std::clock_t begun = std::clock();
        top_.rst = 1;
        for (int i = 0; i < RESET_CYCLES; ++i) cycle();
        top_.rst = 0;
        for (int i = 0; i < IDLE_CYCLES; ++i) cycle();
        while (at_ < words_.size()) act(static_cast<Kind>(take()));
        std::fclose(out_);
        std::printf("%f\n", double(std::clock() - begun) / CLOCKS_PER_SEC);
        top_.final();
        return Verilated::threadContextp()->errorCount() > 0;
    }

private:
    void cycle() {
        top_.clk = 0;
        top_.eval();
        top_.clk = 1;
        top_.eval();
    }

    void run() {
        top_.request = ++count_;
        while (top_.events != count_ && !Verilated::gotFinish()) cycle();
        const auto outcome = static_cast<uint32_t>(weft_host_outcome());
        const uint64_t cycles = weft_host_cycles(), results = weft_host_results();
        tell(&outcome, sizeof outcome);
        tell(&cycles, sizeof cycles);
        tell(&results, sizeof results);
        tell(weft_host_data(), results * sizeof(uint32_t));
        weft_host_forget();
    }

    void fetch() {
        std::vector<int> tiles(weft_tap_tiles(nullptr, 0));
        weft_tap_tiles(tiles.data(), tiles.size());
        for (const int tile : tiles) {
            const uint64_t beats = weft_tap_beats(tile);
            tell(&tile, sizeof tile);
            tell(&beats, sizeof beats);
            tell(weft_tap_data(tile), beats * weft_tap_lanes(tile) * sizeof(uint32_t));
            tell(weft_tap_marks(tile), beats);
        }
    }

    void map(int channels, uint64_t bytes) {
        const int file = open(memory_path_, O_RDWR);
        void* mapped = mmap(nullptr, bytes * channels, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (mapped == MAP_FAILED || weft_memory_map(memory_path_, bytes, channels)) std::perror(memory_path_), std::exit(2);
        close(file);
        memory_ = static_cast<uint32_t*>(mapped);
    }

    void act(Kind kind) {
        switch (kind) {
        case MAP: {
            const uint32_t channels = take();
            map(channels, take_long());
            break;
        }
        case TIMING: {
            const uint32_t channel = take(), latency = take();
            const uint64_t bits = take_long();
            double bandwidth;
            std::memcpy(&bandwidth, &bits, sizeof bandwidth);
            weft_memory_timing(channel, latency, bandwidth, take_long());
            break;
        }
        case WATCHDOG: {
            const uint64_t idle = take_long();
            weft_host_watchdog(idle, take_long());
            break;
        }
        case TAPS: weft_tap_start(take()); break;
        case SAMPLE: weft_activity_start(take()); break;
        case POKE: {
            const uint32_t place = take(), count = take();
            std::memcpy(memory_ + place, take_many(count), count * sizeof(uint32_t));
            break;
        }
        case WRITE: {
            const uint32_t address = take(), step = take(), count = take();
            weft_host_write(address, take_many(count), count, step);
            break;
        }
        case READ: weft_host_read(take()); break;
        case WAIT: weft_host_wait(); break;
        case RUN: run(); break;
        case PEEK: {
            const uint32_t place = take();
            tell(memory_ + place, take() * sizeof(uint32_t));
            break;
        }
        case FETCH: fetch(); break;
        case ACTIVITY: tell(weft_activity_data(), weft_activity_count() * sizeof(uint32_t)); break;
        default: std::fprintf(stderr, "no such action: %u\n", kind), std::exit(2);
        }
    }

    uint32_t take() { return words_.at(at_++); }
    uint64_t take_long() {
        const uint64_t low = take();
        return low | static_cast<uint64_t>(take()) << 32;
    }
    const uint32_t* take_many(uint32_t count) {
        const uint32_t* first = words_.data() + at_;
        at_ += count;
        return first;
    }
    void tell(const void* data, size_t bytes) { std::fwrite(data, 1, bytes, out_); }

    const std::vector<uint32_t> words_;
    const char* memory_path_;
    std::FILE* out_;
    Vtop top_{""};
    uint32_t* memory_ = nullptr;
    uint32_t count_ = 0;
    size_t at_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return std::fprintf(stderr, "%s SCRIPT MEMORY OUT\n", argv[0]), 2;
    Verilated::fatalOnVpiError(false);
    auto* replay = new Replay(argv[1], argv[2], argv[3]);  // never deleted, as in the loop with cocotb
    return replay->play();
}
