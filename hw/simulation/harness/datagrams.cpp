// A linked design as a device at the other end of a socket of datagrams: each goes into its ports and its answers come out,
// as LiteEth's UDP port would have them. Time stands still while nothing is under way.
//
//   datagrams FILE_DESCRIPTOR PATIENCE_CYCLES WINDOW SPACING_CYCLES STALLS
//
// At most WINDOW datagrams are under way, and from the beginning of one to that of the next pass SPACING_CYCLES; with STALLS
// both ports pause at random. At the end of the file (of a SOCK_SEQPACKET) it prints the cycles from the first beat in
// to the last one out, and how many datagrams went each way. An answer with a pause or a wrong length ends it.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
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
    const int line = std::atoi(arguments[1]);
    const long patience = std::atol(arguments[2]);  // without an answer, which a datagram that is lost never gets
    const long window = std::atol(arguments[3]), spacing = std::atol(arguments[4]);
    const bool stalls = std::atoi(arguments[5]);
    const auto context = std::make_unique<VerilatedContext>();
    const auto top = std::make_unique<Vlinked>(context.get(), "linked");
    const auto edge = [&] {
        top->clk = 0, top->eval();
        top->clk = 1, top->eval();
    };
    top->rst = 1;
    for (int i = 0; i < 4; ++i) edge();
    top->rst = 0;
    const auto evaluate = [root = top->rootp] { Vlinked___024root___eval(root); };

    sockaddr_in own{}, peer{};
    socklen_t size = sizeof own;
    getsockname(line, reinterpret_cast<sockaddr*>(&own), &size);
    const bool is_udp = own.sin_family == AF_INET;

    std::vector<uint8_t> heard(65536), said;
    size_t have = 0, used = 0;
    long cycle = 0, begun = -spacing, first = 0, last = 0, in = 0, out = 0, quiet = 0;
    bool open = true;
    uint32_t dice = 1;
    const auto pauses = [&] {  // a xorshift, one time in four
        dice ^= dice << 13, dice ^= dice >> 17, dice ^= dice << 5;
        return stalls && (dice & 3) == 0;
    };
    while (open || (in > out && quiet < patience)) {
        const bool idle = in == out || quiet >= patience;
        if (used == have && open && (idle || (cycle - begun >= spacing && in - out < window))) {
            pollfd wait{line, POLLIN, 0};
            if (poll(&wait, 1, idle ? -1 : 0) > 0) {
                size = sizeof peer;
                const auto count = recvfrom(line, heard.data(), heard.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
                open = count > 0 || is_udp;
                have = count > 0 ? count : 0, used = 0;
                if (have && in++ == 0) first = cycle;
                if (idle) out = in - (have > 0);  // what is not answered by now is lost
                begun = cycle, quiet = 0;
            }
        }
        const bool sends = used < have && !pauses();
        top->s_axis_tvalid = sends;
        if (sends) {
            uint32_t word = 0;
            std::memcpy(&word, &heard[used], have - used < 4 ? have - used : 4);
            top->s_axis_tdata = word, top->s_axis_tlast = used + 4 >= have;
            top->s_axis_error = 0, top->s_axis_length = have, top->s_axis_ip = ntohl(peer.sin_addr.s_addr);
        }
        top->m_axis_tready = !pauses();
        top->clk = 0, evaluate();
        if (!said.empty() && !top->m_axis_tvalid) {
            std::fprintf(stderr, "a pause in an answer\n");
            return 1;
        }
        if (top->m_axis_tvalid && top->m_axis_tready) {
            const uint32_t word = top->m_axis_tdata;
            const unsigned ends = top->m_axis_last_be;
            for (int i = 0; i < 4 && !(ends && i && ends >> (i - 1) & 1); ++i) said.push_back(word >> 8 * i & 255);
            if (top->m_axis_tlast != (ends != 0) || (ends && said.size() != top->m_axis_length)) {
                std::fprintf(stderr, "an answer of %zu bytes says that it has %d\n", said.size(), top->m_axis_length);
                return 1;
            }
            if (ends) {
                sockaddr_in to{};
                to.sin_family = AF_INET, to.sin_port = own.sin_port, to.sin_addr.s_addr = htonl(top->m_axis_ip);
                if (is_udp) sendto(line, said.data(), said.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
                else send(line, said.data(), said.size(), 0);
                said.clear(), ++out, last = cycle, quiet = 0;
            }
        }
        top->clk = 1, evaluate();
        used = sends ? used + 4 < have ? used + 4 : have : used;
        ++cycle, ++quiet;
    }
    std::printf("%ld %ld %ld\n", last - first, in, out);
    top->final();
    return 0;
}
