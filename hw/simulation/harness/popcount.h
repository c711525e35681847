// Included before every generated file: the processor's own popcount in place of Verilator's portable one. A binary
// net is mostly popcounts; TFC simulates twice as fast.
#pragma once
#include "verilated.h"
#define VL_COUNTONES_I(bits) static_cast<IData>(__builtin_popcount(bits))
