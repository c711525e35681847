// What is so for each combination of a few neurons: a truth table, narrowed as neurons cease to change, and looked up over
// vectors of what the others do.
#pragma once
#include "neurons.h"

// Bit c of `bits` is that of the combination in which neuron[k] fires where bit k of c is 1; fewer than 64 are repeated.
struct Truth {
  bool known = false;
  std::vector<int> neuron;
  std::vector<uint64_t> bits;

  // Of all combinations of `neuron`. found: where the answer varies.
  void say(Answer answer, const Bits* found) {
    known = true;
    bits.assign(std::max(1, (1 << neuron.size()) / 64), -uint64_t(answer == ALWAYS));
    if (answer == SOMETIMES) std::copy_n(found->word(), bits.size(), bits.begin());
  }

  Answer answer() const {
    for (const uint64_t each : bits)
      if (each != bits[0]) return SOMETIMES;
    return bits[0] == 0 ? NEVER : ~bits[0] == 0 ? ALWAYS : SOMETIMES;
  }

  // To the neurons `free`; the others are as in `fires`.
  void narrow(const std::vector<uint64_t>& free, const std::vector<uint64_t>& fires) {
    for (int k = int(neuron.size()) - 1; k >= 0; k--) {
      const int w = neuron[k] >> 6, bit = neuron[k] & 63;
      if (!(free[w] >> bit & 1)) settle(k, fires[w] >> bit & 1);
    }
  }

  // Where it is so over vectors. at: of each neuron, where it fires. into: room for
  // `stride` vectors for each neuron, and once more; where it varies, the first of them are told.
  Answer over(const Bits* const* at, int vectors, int stride, Bits* into) const {
    return over(bits.data(), neuron.size(), at, vectors, stride, into);
  }

 private:
  void settle(int k, bool fires) {
    const int words = bits.size(), apart = k < 6 ? 0 : 1 << (k - 6);
    neuron.erase(neuron.begin() + k);
    if (apart) {
      int to = 0;
      for (int w = fires ? apart : 0; w < words; w += 2 * apart)
        for (int i = 0; i < apart; i++) bits[to++] = bits[w + i];
      bits.resize(to);
      return;
    }
    constexpr uint64_t fired[] = {0xAAAAAAAAAAAAAAAA, 0xCCCCCCCCCCCCCCCC, 0xF0F0F0F0F0F0F0F0,
                                  0xFF00FF00FF00FF00, 0xFFFF0000FFFF0000, 0xFFFFFFFF00000000};
    const uint64_t mask = fires ? fired[k] : ~fired[k];
    for (int w = 0; w < words; w += 2)
      bits[w / 2] = extracted(bits[w], mask) | extracted(bits[w + 1 < words ? w + 1 : w], mask) << 32;
    bits.resize((words + 1) / 2);
  }

  static Answer over(const uint64_t* bits, int neurons, const Bits* const* at, int vectors, int stride, Bits* into) {
    if (neurons <= 6) return over(*bits, neurons, at, vectors, stride, into);
    const int half = 1 << (neurons - 7);
    if (std::equal(bits, bits + half, bits + half)) return over(bits, neurons - 1, at, vectors, stride, into);
    const Answer off = over(bits, neurons - 1, at, vectors, stride, into);
    const Answer on = over(bits + half, neurons - 1, at, vectors, stride, into + stride);
    return chosen(off, on, at[neurons - 1], vectors, stride, into);
  }

  // Of a table in the lowest bits of a word.
  static Answer over(uint64_t table, int neurons, const Bits* const* at, int vectors, int stride, Bits* into) {
    const int half = neurons ? 1 << (neurons - 1) : 0;
    const uint64_t whole = ~uint64_t(0) >> (64 - (1 << neurons)), low = ~uint64_t(0) >> (64 - std::max(1, half));
    table &= whole;
    if (table == 0) return NEVER;
    if (table == whole) return ALWAYS;
    const uint64_t without = table & low, with = table >> half;
    const Answer off = over(without, neurons - 1, at, vectors, stride, into);
    if (without == with) return off;
    const Answer on = over(with, neurons - 1, at, vectors, stride, into + stride);
    return chosen(off, on, at[neurons - 1], vectors, stride, into);
  }

  // What lies behind `into` where the neuron fires, else what lies there.
  static Answer chosen(Answer off, Answer on, const Bits* fires, int vectors, int stride, Bits* into) {
    if (off == on && off != SOMETIMES) return off;
    const Bits never = all(false), always = all(true);
    for (int v = 0; v < vectors; v++) {
      const Bits without = off == SOMETIMES ? into[v] : off == ALWAYS ? always : never;
      const Bits with = on == SOMETIMES ? into[stride + v] : on == ALWAYS ? always : never;
      into[v] = lut<0xCA>(fires[v], with, without);
    }
    return SOMETIMES;
  }
};
