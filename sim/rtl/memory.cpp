// Off-chip memory: one mapped file, of which each AXI4 channel has its own part, with its latency and bandwidth.
//
// An address belongs to a channel: it counts from the beginning of that channel's part. Reads and writes share its data bus: at most `bandwidth` beats a
// cycle, both together, as in a DRAM channel. Responses come in the order of requests, which keeps AXI's order of each
// identifier. What the chip does wrong (an unstable request, a burst across 4 KB, a missing last) is fatal; an address
// outside memory is answered with SLVERR and reported.

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <deque>
#include <map>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "weft_sim.h"

namespace {

constexpr uint32_t OKAY = 0, SLVERR = 2, INCR = 1;
constexpr size_t OUTSTANDING = 32, WRITE_BEATS = 8;
constexpr uint32_t MAX_WORDS = 32;

uint8_t* memory = nullptr;
uint64_t memory_bytes = 0;  // of each channel

struct Address {
    uint32_t valid, id, length, size, burst;
    uint64_t address;
    bool same(const Address& other) const {
        return other.valid && id == other.id && address == other.address && length == other.length;
    }
};

struct Burst {
    uint32_t id, left, response;
    uint64_t address, at;
};

struct WriteBeat {
    std::array<uint32_t, MAX_WORDS> data;
    std::array<uint32_t, MAX_WORDS / 8> strobe;
    bool last;
};

struct Channel {
    int number = 0;
    uint32_t latency = 20;
    double bandwidth = 1.0;
    bool stalls = false;
    Random random;

    std::deque<Burst> reads, writes, answers;
    std::deque<WriteBeat> beats;
    double credit = 0;
    bool write_first = false;
    uint64_t beats_read = 0, beats_written = 0;

    Address last_ar{}, last_aw{};
    bool arready = false, awready = false, wready = false;
    bool rvalid = false, rlast = false, bvalid = false;
    uint32_t rid = 0, rresp = 0, bid = 0, bresp = 0;
    std::array<uint32_t, MAX_WORDS> rdata{};

    uint8_t* own() const { return memory + number * memory_bytes; }

    void reset() {
        reads.clear(), writes.clear(), answers.clear(), beats.clear();
        arready = awready = wready = rvalid = bvalid = false;
        last_ar.valid = last_aw.valid = 0;
    }

    bool stall() {
        if (!stalls) return false;
        return random.below(3) == 0;
    }

    void fatal(const std::string& what) {
        weft_note("channel " + std::to_string(number) + ": " + what, true);
    }

    Burst accept(const Address& a, uint32_t bytes, const char* what) {
        const uint64_t end = a.address + static_cast<uint64_t>(a.length + 1) * bytes;
        if (a.burst != INCR || (1u << a.size) != bytes) fatal(std::string("a ") + what + " burst is not INCR of full beats");
        if (a.address % bytes) fatal(std::string("a ") + what + " address is no multiple of a beat");
        if (a.address >> 12 != (end - 1) >> 12) fatal(std::string("a ") + what + " burst crosses a 4 KB boundary");
        const bool outside = end > memory_bytes;
        if (outside) {
            char text[160];
            std::snprintf(text, sizeof text, "channel %d: %s of [0x%llx, 0x%llx) outside memory of 0x%llx bytes", number,
                          what, static_cast<unsigned long long>(a.address), static_cast<unsigned long long>(end),
                          static_cast<unsigned long long>(memory_bytes));
            weft_note(text, false);
        }
        weft_progress();
        return {a.id, a.length + 1, outside ? SLVERR : OKAY, a.address, weft_now() + std::max(latency, 1u)};
    }

    void write(uint32_t bytes) {
        Burst& burst = writes.front();
        const WriteBeat& beat = beats.front();
        if (burst.response == OKAY) {
            const auto* source = reinterpret_cast<const uint8_t*>(beat.data.data());
            for (uint32_t i = 0; i < bytes; ++i) {
                if (beat.strobe[i / 32] >> (i % 32) & 1) own()[burst.address + i] = source[i];
            }
        }
        burst.address += bytes;
        const bool last = --burst.left == 0;
        if (last != beat.last) fatal("WLAST is not at the end of a write burst");
        beats.pop_front();
        if (last) {
            burst.at = weft_now() + std::max(latency, 1u);
            answers.push_back(burst);
            writes.pop_front();
        }
        ++beats_written;
        weft_progress();
    }

    void read(uint32_t bytes) {
        Burst& burst = reads.front();
        if (burst.response == OKAY) {
            std::memcpy(rdata.data(), own() + burst.address, bytes);
        } else {
            rdata.fill(0);
        }
        burst.address += bytes;
        rvalid = true;
        rid = burst.id;
        rresp = burst.response;
        rlast = --burst.left == 0;
        if (rlast) reads.pop_front();
        ++beats_read;
        weft_progress();
    }

    void serve(uint32_t bytes) {
        credit = std::min(credit + bandwidth, std::max(1.0, bandwidth));
        for (int turn = 0; turn < 2; ++turn) {
            const bool writing = (turn == 0) == write_first;
            if (credit < 1) break;
            if (writing && !writes.empty() && !beats.empty()) {
                write(bytes);
                credit -= 1;
                write_first = false;
            } else if (!writing && !rvalid && !reads.empty() && reads.front().at <= weft_now() && !stall()) {
                read(bytes);
                credit -= 1;
                write_first = true;
            }
        }
        if (!bvalid && !answers.empty() && answers.front().at <= weft_now() && !stall()) {
            bvalid = true;
            bid = answers.front().id;
            bresp = answers.front().response;
            answers.pop_front();
        }
    }

    void hold(const Address& before, bool taken, const Address& now, const char* what) {
        if (before.valid && !taken && !before.same(now)) fatal(std::string(what) + " changed before it was taken");
    }
};

std::map<int, Channel> channels;

Channel& channel(int number) {
    Channel& found = channels[number];
    found.number = number;
    return found;
}

}  // namespace

extern "C" {

// Map `bytes` of a file as the memory. Returns 0, or -1 if that cannot be done.
// Let each of the channels see `bytes` of a file, one after the other.
int weft_memory_map(const char* path, uint64_t bytes, int channels) {
    const int file = open(path, O_RDWR);
    if (file < 0) return -1;
    void* mapped = mmap(nullptr, bytes * channels, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped == MAP_FAILED) return -1;
    memory = static_cast<uint8_t*>(mapped);
    memory_bytes = bytes;
    return 0;
}

// How a channel behaves: cycles from a request to its first beat, beats a cycle, and random stalls by seed (0: none).
void weft_memory_timing(int number, uint32_t latency, double bandwidth, uint64_t seed) {
    Channel& c = channel(number);
    c.latency = latency;
    c.bandwidth = bandwidth;
    c.stalls = seed != 0;
    c.random.seed(seed * 1000003 + number);
}

uint64_t weft_memory_beats(int number, int written) {
    return written ? channel(number).beats_written : channel(number).beats_read;
}

// One clock edge of a channel: what it sees of the chip's outputs, and its own outputs from now on.
void weft_memory_cycle(int number, int bytes, svBit rst, svBit awvalid, int awid, long long awaddr, int awlen, int awsize,
                       int awburst, svBit wvalid, const svBitVecVal* wdata, const svBitVecVal* wstrb, svBit wlast,
                       svBit bready, svBit arvalid, int arid, long long araddr, int arlen, int arsize, int arburst,
                       svBit rready, int* flags, int* bid, int* bresp, int* rid, int* rresp, svBitVecVal* rdata) {
    Channel& c = channel(number);
    if (rst) {
        c.reset();
    } else {
        const Address ar{arvalid, uint32_t(arid), uint32_t(arlen), uint32_t(arsize), uint32_t(arburst), uint64_t(araddr)};
        const Address aw{awvalid, uint32_t(awid), uint32_t(awlen), uint32_t(awsize), uint32_t(awburst), uint64_t(awaddr)};
        c.hold(c.last_ar, false, ar, "a read request");
        c.hold(c.last_aw, false, aw, "a write request");
        c.last_ar = ar;
        c.last_aw = aw;
        if (arvalid && c.arready) {
            c.reads.push_back(c.accept(ar, bytes, "read"));
            c.last_ar.valid = 0;
        }
        if (awvalid && c.awready) {
            c.writes.push_back(c.accept(aw, bytes, "write"));
            c.last_aw.valid = 0;
        }
        if (wvalid && c.wready) {
            WriteBeat beat{};
            std::memcpy(beat.data.data(), wdata, bytes < 4 ? 4 : bytes);
            std::memcpy(beat.strobe.data(), wstrb, ((bytes + 31) / 32) * 4);
            beat.last = wlast;
            c.beats.push_back(beat);
        }
        if (c.rvalid && rready) c.rvalid = false;
        if (c.bvalid && bready) c.bvalid = false;
        c.serve(bytes);
        c.arready = c.reads.size() < OUTSTANDING && !c.stall();
        c.awready = c.writes.size() < OUTSTANDING && !c.stall();
        c.wready = c.beats.size() < WRITE_BEATS && !c.stall();
    }
    *flags = c.awready | c.wready << 1 | c.bvalid << 2 | c.arready << 3 | c.rvalid << 4 | c.rlast << 5;
    *bid = c.bid;
    *bresp = c.bresp;
    *rid = c.rid;
    *rresp = c.rresp;
    std::memcpy(rdata, c.rdata.data(), bytes < 4 ? 4 : bytes);
}

}  // extern "C"
