// A linked design as a device at the other end of a terminal or socket: bytes in and out of its two pins, as fast as the
// processor can. Time stands still while nothing is on the line and the design had time to say all it has to.
//
//   uart FILE_DESCRIPTOR CYCLES_A_BIT PATIENCE_CYCLES
//
// At the end of the file it prints the cycles in which the line was in use, and how many bytes went each way.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "Vlinked.h"
#include "verilated.h"

void Vlinked___024root___eval(Vlinked___024root* root);

void vl_fatal(const char* file, int line, const char*, const char* words) {
    std::fprintf(stderr, "%s:%d: %s\n", file, line, words);
    std::_Exit(1);
}

int main(int, char** arguments) {
    const int line = std::atoi(arguments[1]), divider = std::atoi(arguments[2]);
    const long patience = std::atol(arguments[3]);
    const auto context = std::make_unique<VerilatedContext>();
    const auto top = std::make_unique<Vlinked>(context.get(), "linked");
    const auto edge = [&] {
        top->clk = 0, top->eval();
        top->clk = 1, top->eval();
    };
    top->rx = 1, top->rst = 1;
    for (int i = 0; i < 4; ++i) edge();
    top->rst = 0;
    const auto evaluate = [root = top->rootp] { Vlinked___024root___eval(root); };

    std::vector<uint8_t> heard(1 << 16), said;
    long have = 0, used = 0, quiet = 0, cycle = 0, first = 0, last = 0, in = 0, out = 0;
    long down_left = 0, up_left = 0;
    unsigned down = 0, up = 0;  // the bits on their way, a one above the last
    bool open = true, begun = false;
    while (open || quiet < patience) {
        if (down_left == 0 && down <= 1) {  // between bytes
            if (used == have && open && (cycle % 64 == 0 || quiet >= patience)) {
                pollfd wait{line, POLLIN, 0};
                if (poll(&wait, 1, quiet >= patience ? -1 : 0) > 0) {
                    have = read(line, heard.data(), heard.size()), used = 0;
                    if (have <= 0) have = 0, open = false;
                    quiet = 0;
                }
            }
            if (used < have) {
                if (!begun) begun = true, first = cycle;
                down = 1u << 10 | 1u << 9 | heard[used++] << 1, ++in, quiet = 0;  // a start bit of 0, a stop bit of 1
            }
        }
        if (down_left == 0 && down > 1) top->rx = down & 1, down >>= 1, down_left = divider;
        if (down_left > 0) --down_left, quiet = 0;
        top->clk = 0, evaluate();
        top->clk = 1, evaluate();
        ++cycle, ++quiet;
        if (up_left == 0 && up == 0 && !top->tx) up = 1u << 8, up_left = divider + divider / 2;
        if (up_left > 0 && --up_left == 0) {
            quiet = 0;
            if (up & 1) {  // in the middle of the stop bit
                said.push_back(up >> 2 & 255), up = 0, ++out, last = cycle;
            } else {
                up = (up >> 1) | top->tx << 9, up_left = divider;
            }
        }
        if (!said.empty() && (said.size() >= 512 || cycle % 64 == 0)) {
            size_t done = 0;
            while (done < said.size()) {
                const auto count = write(line, said.data() + done, said.size() - done);
                if (count > 0) done += count;
                else if (errno == EAGAIN) poll(nullptr, 0, 1);
                else return 0;
            }
            said.clear();
        }
    }
    std::printf("%ld %ld %ld\n", last - first, in, out);
    top->final();
    return 0;
}
