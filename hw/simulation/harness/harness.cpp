// The accelerator as a shared library: whole data sets in, every tapped stream out, no Python per cycle.
//
// taps.inc lists the streams from input to output, one TAP(...) a stage; `probe` is the design with those streams as ports.
// Where a design is small, what is done around it in a cycle is what takes time: widths of beats are constants here, and
// nothing is looked up.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include "Vprobe.h"
#include "verilated.h"

namespace {
thread_local const char* memory_folder = "";

// xorshift32: the same stalls for the same seed on every machine.
struct Dice {
    uint32_t state;
    bool falls(uint32_t of_256) {
        state ^= state << 13, state ^= state >> 17, state ^= state << 5;
        return (state >> 8 & 255) < of_256;
    }
};
}  // namespace

// $readmemh opens its files by bare name, as synthesis tools want it; here they lie in the folder of the design. The
// linker sends the run-time library's fopen here, so that nobody has to change the working folder of the process.
extern "C" FILE* __real_fopen(const char* path, const char* mode);
extern "C" FILE* __wrap_fopen(const char* path, const char* mode) {
    if (path[0] == '/') return __real_fopen(path, mode);
    return __real_fopen((std::string(memory_folder) + "/" + path).c_str(), mode);
}

extern "C" struct Run {
    const char* folder;        // of the memory files
    const uint8_t* input;      // input_beats beats of TDATA, lowest byte first
    int64_t input_beats;
    uint8_t* const* recorded;  // by stream: room for its beats, or nullptr
    const int64_t* beats;      // by stream: how many are due
    int64_t patience;          // cycles without any beat anywhere after which the design hangs
    int64_t listen;            // cycles after the last beat that is due in which none may follow
    uint32_t seed;
    uint32_t input_stall;      // of 256 cycles in which the source pauses
    uint32_t output_stall;     // of 256 cycles in which the sink pauses
    int64_t cycles;            // out: clock cycles from the first possible beat to the last that leaves
    int64_t first_frame;       // out: cycle in which the first frame has left
    int64_t* seen;             // out, by stream: beats that passed
    uint8_t* state;            // out, by stream: valid | ready << 1 at the end
    char* words;               // out: why it stopped itself, in `room` bytes
    int64_t room;
} Run;

// What the run-time library cannot go on after, a $fatal or a memory file that does not fit: its own way is to end the
// process, which is not ours.
void vl_fatal(const char* file, int line, const char*, const char* words) {
    throw std::runtime_error(std::string(file) + ":" + std::to_string(line) + ": " + words);
}

static int simulate(struct Run* run, int64_t frame_beats);

// An evaluation alone. `eval` also takes locks, for messages of models of several threads: a sixth of a small net's time.
void Vprobe___024root___eval(Vprobe___024root* root);

// 0: every stream had its beats. 1: the design hangs. 2: a stream had a beat too many. 3: it stopped itself, and `words`
// say why.
extern "C" __attribute__((visibility("default"))) int bitneck_run(struct Run* run, int64_t frame_beats) {
    try {
        return simulate(run, frame_beats);
    } catch (const std::runtime_error& error) {
        std::snprintf(run->words, run->room, "%s", error.what());
        return 3;
    }
}

static int simulate(struct Run* run, int64_t frame_beats) {
    memory_folder = run->folder;
    const auto context = std::make_unique<VerilatedContext>();
    const auto top = std::make_unique<Vprobe>(context.get(), "probe");
    constexpr size_t input_bytes = INPUT_BYTES;
    constexpr size_t count = 0
#define TAP(number, data, valid, ready, bytes) +1
#include "taps.inc"
#undef TAP
        ;
    constexpr size_t last = count - 1;
    const auto evaluate = [root = top->rootp] { Vprobe___024root___eval(root); };
    Dice input_dice{run->seed * 2654435761u + 1u}, output_dice{run->seed * 2246822519u + 7u};

    const auto edge = [&] {
        top->clk = 0, top->eval();
        top->clk = 1, top->eval();
    };
    top->rst = 1, top->s_axis_tvalid = 0, top->m_axis_tready = 0;
    for (int i = 0; i < 4; ++i) edge();
    top->rst = 0;

    int64_t sent = 0, cycle = 0, progress = 0;
    int64_t due = 0;  // beats that are still to pass, of all streams
    for (size_t i = 0; i < count; ++i) due += run->beats[i];
    int result = 0;
    std::memset(run->seen, 0, count * sizeof(int64_t));
    run->first_frame = 0;
    // Once everything is out, the design gets time to send what it should not.
    int64_t idle_until = 0;
    run->cycles = 0;
    while (result == 0 && (idle_until == 0 || cycle < idle_until)) {
        if (!top->s_axis_tvalid && sent < run->input_beats && !input_dice.falls(run->input_stall)) {
            top->s_axis_tvalid = 1;
            std::memcpy(&top->s_axis_tdata, run->input + sent * input_bytes, input_bytes);
        }
        top->m_axis_tready = !output_dice.falls(run->output_stall);
        top->clk = 0, evaluate();
        ++cycle;
        bool moved = false;
        const auto pass = [&](size_t number, const void* data, size_t bytes) __attribute__((always_inline)) {
            moved = true;
            const int64_t beat = run->seen[number]++;
            if (beat >= run->beats[number]) { result = 2; return; }
            --due;
            if (data) std::memcpy(run->recorded[number] + beat * bytes, data, bytes);
        };
#define TAP(number, data, valid, ready, bytes) if (valid & ready) pass(number, data, bytes);
#include "taps.inc"
#undef TAP
        const bool taken = top->s_axis_tvalid && top->s_axis_tready;
        if (run->seen[last] == frame_beats && run->first_frame == 0) run->first_frame = cycle;
        if (run->seen[last] == run->beats[last] && run->cycles == 0) run->cycles = cycle;
        if (moved || taken) progress = cycle;
        if (idle_until == 0 && cycle - progress > run->patience) result = 1;
        if (idle_until == 0 && due == 0) idle_until = cycle + run->listen;
        top->clk = 1, evaluate();
        if (context->gotFinish()) throw std::runtime_error("it called $finish");
        if (taken) {
            ++sent;
            top->s_axis_tvalid = 0;
        }
    }
#define TAP(number, data, valid, ready, bytes) run->state[number] = valid | ready << 1;
#include "taps.inc"
#undef TAP
    top->final();
    return result;
}
