// Included before every generated file: the processor's own popcount in place of Verilator's portable one. A binary
// net is mostly popcounts; TFC simulates twice as fast.
#pragma once
#include "verilated.h"
static inline IData bitneck_countones(int words, const EData* bits) {
    IData ones = 0;
    for (int i = 0; i < words; ++i) ones += static_cast<IData>(__builtin_popcount(bits[i]));
    return ones;
}
#define VL_COUNTONES_I(bits) static_cast<IData>(__builtin_popcount(bits))
#define VL_COUNTONES_Q(bits) static_cast<IData>(__builtin_popcountll(bits))
#define VL_COUNTONES_W(words, bits) bitneck_countones(words, bits)
