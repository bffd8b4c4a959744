// The host's side of the chip's AXI4-Lite port: a queue of register writes, reads and waits, filled by Python and run
// here cycle by cycle. Python is told once, when the queue is done or nothing moves any more.

#include <deque>
#include <string>
#include <vector>

#include "weft_sim.h"

namespace {

enum Kind { WRITE, READ, WAIT };
enum Outcome { DONE = 0, HUNG = 1, LIMIT = 2, SILENT = 3, BROKEN = 4, REFUSED = 5 };
constexpr uint64_t SILENCE = 20000;  // cycles after which a register access is given up
constexpr uint64_t SETTLING = 8;     // cycles a launch may take to lower the interrupt of the one before
constexpr uint64_t WRITE_TO_READ = 16;  // cycles from a write's answer until a read, for the configuration bus to answer
constexpr int WRITES_AHEAD = 4;

struct Operation {
    Kind kind;
    uint32_t address, data;
};

uint64_t now = 0, last_progress = 0, last_write = 0, last_answer = 0, waiting_since = 0;
uint64_t watchdog = 100000, limit = ~0ull;
std::deque<Operation> queue;
std::vector<uint32_t> results;
std::string notes;
bool fatal = false;

bool running = false, waiting = false, reading = false;
int unanswered = 0;
uint32_t last_request = 0, events = 0;
Outcome outcome = DONE;

bool awvalid = false, wvalid = false, arvalid = false;
uint32_t awaddr = 0, wdata = 0, araddr = 0;

void finish(Outcome result) {
    outcome = result;
    running = waiting = reading = false;
    queue.clear();
    ++events;
}

void next() {
    if (awvalid || wvalid || reading || waiting) return;
    if (queue.empty()) {
        if (unanswered == 0) finish(DONE);
        return;
    }
    const Operation operation = queue.front();
    if (operation.kind == WRITE) {
        if (unanswered == WRITES_AHEAD) return;
        awvalid = wvalid = true;
        awaddr = operation.address;
        wdata = operation.data;
        ++unanswered;
    } else if (unanswered) {
        return;
    } else if (operation.kind == READ) {
        if (now - last_answer < WRITE_TO_READ) return;
        arvalid = reading = true;
        araddr = operation.address;
    } else {
        waiting = true;
        waiting_since = now;
    }
    queue.pop_front();
    last_progress = now;
}

}  // namespace

uint64_t weft_now() { return now; }
void weft_progress() { last_progress = now; }
void weft_note(const std::string& sentence, bool is_fatal) {
    if (notes.size() < 2000) notes += (notes.empty() ? "" : "; ") + sentence;
    fatal |= is_fatal;
}

extern "C" {

void weft_host_write(uint32_t address, const uint32_t* words, uint64_t count, uint32_t step) {
    for (uint64_t i = 0; i < count; ++i) queue.push_back({WRITE, address + static_cast<uint32_t>(i) * step, words[i]});
}
void weft_host_read(uint32_t address) { queue.push_back({READ, address, 0}); }
void weft_host_wait() { queue.push_back({WAIT, 0, 0}); }
void weft_host_watchdog(uint64_t idle_cycles, uint64_t all_cycles) {
    watchdog = idle_cycles;
    limit = all_cycles;
}

int weft_host_outcome() { return outcome; }
uint64_t weft_host_cycles() { return now; }
uint64_t weft_host_results() { return results.size(); }
const uint32_t* weft_host_data() { return results.data(); }
const char* weft_host_notes() { return notes.c_str(); }
void weft_host_forget() {
    results.clear();
    notes.clear();
    fatal = false;
}

// One clock edge.
void weft_host_cycle(svBit rst, int request, svBit awready, svBit wready, svBit bvalid, int bresp, svBit arready,
                     svBit rvalid, int rdata, int rresp, svBit interrupt, int* flags, int* out_awaddr, int* out_wdata,
                     int* out_araddr, int* out_events) {
    ++now;
    if (awvalid && awready) awvalid = false, last_progress = now;
    if (wvalid && wready) wvalid = false, last_progress = last_write = now;
    if (arvalid && arready) arvalid = false, last_progress = now;
    bool refused = false;
    if (bvalid) {
        --unanswered;
        last_answer = now;
        refused |= bresp != 0;
        last_progress = now;
    }
    if (rvalid && reading) {
        results.push_back(rdata);
        reading = false;
        refused |= rresp != 0;
        last_progress = now;
    }
    if (static_cast<uint32_t>(request) != last_request) {
        last_request = request;
        running = true;
        last_progress = now;
    }
    if (running && !rst) {
        if (fatal) {
            finish(BROKEN);
        } else if (refused) {
            finish(REFUSED);
        } else if (waiting) {
            const bool ended = interrupt && now - waiting_since >= SETTLING;
            weft_activity_cycle(now - last_write, ended);
            if (ended) {
                waiting = false;
            } else if (now - last_progress > watchdog) {
                finish(HUNG);
            } else if (now - waiting_since > limit) {
                finish(LIMIT);
            }
        } else if (now - last_progress > SILENCE) {
            finish(SILENT);
        }
        if (running) next();
    }
    *flags = awvalid | wvalid << 1 | arvalid << 2;
    *out_awaddr = awaddr;
    *out_wdata = wdata;
    *out_araddr = araddr;
    *out_events = events;
}

}  // extern "C"
