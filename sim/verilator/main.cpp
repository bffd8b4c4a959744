// The simulation loop. As cocotb's own, but the clock can run here (WEFT_CLOCK): then Python is called only when a
// signal that a test waits for has changed, or a timer is due, and never just because a cycle has passed.

#include <cstdio>
#include <cstring>

#include <unistd.h>

#include "Vtop.h"
#include "verilated.h"
#include "verilated_vpi.h"
#if VM_TRACE_FST
#include "verilated_fst_c.h"
#endif

extern "C" void vlog_startup_routines_bootstrap(void);

namespace {

vluint64_t now = 0;
Vtop* top = nullptr;  // never deleted: its mutexes must outlive the statics of Verilator
#if VM_TRACE_FST
VerilatedFstC* waves = nullptr;
#endif

void value_callbacks() {
    while (VerilatedVpi::callValueCbs()) {
    }
}

void evaluate() {
    top->eval_step();
    top->eval_end_step();
#if VM_TRACE_FST
    if (waves) waves->dump(now);
#endif
}

// Everything that happens at this instant, until nothing changes any more.
void settle() {
    do {
        do {
            top->eval_step();
            VerilatedVpi::clearEvalNeeded();
            VerilatedVpi::doInertialPuts();
            value_callbacks();
        } while (VerilatedVpi::evalNeeded());
        VerilatedVpi::callCbs(cbReadWriteSynch);
        VerilatedVpi::doInertialPuts();
        value_callbacks();
    } while (VerilatedVpi::evalNeeded());
    top->eval_end_step();
    VerilatedVpi::callCbs(cbReadOnlySynch);
#if VM_TRACE_FST
    if (waves) waves->dump(now);
#endif
}

void wrap_up() {
    VerilatedVpi::callCbs(cbEndOfSimulation);
#if VM_TRACE_FST
    if (waves) waves->close();
#endif
}

}  // namespace

double sc_time_stamp() { return static_cast<double>(now); }

int main(int argc, char** argv) {
    const char* wave_file = nullptr;
    for (int i = 1; i + 1 < argc; ++i) {
        if (!std::strcmp(argv[i], "--waves")) wave_file = argv[i + 1];
    }
    Verilated::commandArgs(argc, argv);
    top = new Vtop("");
    Verilated::fatalOnVpiError(false);
    if (wave_file) {
#if VM_TRACE_FST
        Verilated::traceEverOn(true);
        waves = new VerilatedFstC;
        top->trace(waves, 99);
        waves->open(wave_file);
#else
        std::fprintf(stderr, "this simulator was built without waves\n");
        return 1;
#endif
    }
    vlog_startup_routines_bootstrap();
    Verilated::addExitCb([](void*) { wrap_up(); }, nullptr);
    VerilatedVpi::callCbs(cbStartOfSimulation);
    value_callbacks();

    constexpr vluint64_t NEVER = ~0ULL;
#ifdef WEFT_CLOCK
    constexpr vluint64_t HALF_PERIOD = 5;  // ns
    vluint64_t next_edge = 0;
    const pid_t parent = getppid();
#else
    constexpr vluint64_t next_edge = NEVER;
#endif
    while (!Verilated::gotFinish()) {
        settle();
        const vluint64_t timer = VerilatedVpi::cbNextDeadline();
        if (timer == NEVER && next_edge == NEVER) break;
#ifdef WEFT_CLOCK
        // Nothing that Python can see changes at a falling edge.
        if (top->clk && next_edge < timer) {
            now = next_edge;
            next_edge += HALF_PERIOD;
            top->clk = 0;
            evaluate();
        }
#endif
        now = timer < next_edge ? timer : next_edge;
        VerilatedVpi::callCbs(cbNextSimTime);
        if (timer <= now) {
            VerilatedVpi::callTimedCbs();
        }
        value_callbacks();
#ifdef WEFT_CLOCK
        if (now == next_edge) {
            top->clk = !top->clk;
            next_edge += HALF_PERIOD;
            // A parent that died leaves nobody who would read the result.
            if (!(now & 0x3ffff) && getppid() != parent) return 1;
        }
#endif
    }
    top->final();
    wrap_up();
    return Verilated::threadContextp()->errorCount() > 0;
}
