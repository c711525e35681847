// Layers of a 1-bit net over many inputs at a time, a lane each. Which elements vary among these inputs is found on the
// way, and only those are added: the others count as numbers do.
//
//   neuron = "so many of the elements agree with its weights, at least its threshold"
//
// A sum is one of full adders. The first column's adders are shared among neurons: whatever the signs of weights, its sums
// are the same but for complement, and each of its carries is one of eight. Then 2^L − threshold enters as constants, so
// that the carry out of the last column is the answer.
#pragma once
#include <algorithm>
#include <utility>
#include <vector>
#include "bits.h"

constexpr int MOST = 64;    // varying elements that the adders below take; more go the slow way
constexpr int COLUMNS = 6;  // of carries: 2^COLUMNS is MOST

static inline int words_of(int bits) { return (bits + 63) / 64; }

// weight, among   (rows, words) a bit an element: +1; the elements that count at all
// threshold       (rows) in agreeing elements
struct Matrix {
  int rows, fan_in;
  const uint64_t *weight, *among;
  const int32_t* threshold;
  int words() const { return words_of(fan_in); }
};

// Elements over a block of vectors: constants as bits, and where the vectors of those that vary lie.
struct Edge {
  std::vector<uint64_t> value, varies;
  std::vector<const Bits*> at;
  explicit Edge(int width) : value(words_of(width)), varies(words_of(width)), at(width) {}
};

// What is left of a neuron. signs: bit i is the parity of the complements of the varying elements before i, and of the
// constant's lowest bit, so that bits 2k .. 2k + 2 name the carry of adder k. last: bit 64 of it.
struct Sum {
  uint64_t signs;
  uint64_t last;
  int64_t constant[COLUMNS];
  Bits* into;
};

static inline void constants(int64_t number, int64_t* into) {
  for (int i = 0; i < COLUMNS; i++) into[i] = -(number >> i & 1);
}

static inline int columns_of(int adders) { return 1 + (adders < 2 ? 0 : 64 - __builtin_clzll(adders - 1)); }

constexpr int entering(int adders, int column) {  // carries that enter a column, of `adders` in the first
  for (; column > 1; column--) adders = (adders + 1) / 2;
  return adders;
}

// The carry number `index` into `column`; `sums` are those of each column so far. First: what gives the carries of column 1.
template <int adders, int column, int index, class First>
[[gnu::always_inline]] static inline Bits carry(const First& first, Bits* sums) {
  if constexpr (column == 1) {
    return first.template operator()<index>();
  } else {
    const Bits a = carry<adders, column - 1, 2 * index>(first, sums);
    Bits b = all(false);
    if constexpr (2 * index + 1 < entering(adders, column - 1)) b = carry<adders, column - 1, 2 * index + 1>(first, sums);
    const Bits before = sums[column - 1];
    sums[column - 1] = xor3(before, a, b);
    return majority(before, a, b);
  }
}

template <int adders>
constexpr int last_column() {
  int column = 1;
  while (entering(adders, column) > 1) column++;
  return column;
}

template <int adders, class First, int... column>
[[gnu::always_inline]] static inline Bits reached(const First& first, const int64_t* constant,
                                                  std::integer_sequence<int, column...>) {
  Bits sums[] = {filled(constant[column])...};
  return carry<adders, sizeof...(column), 0>(first, sums);
}

template <int adders, class First>
[[gnu::always_inline]] static inline Bits reached(const First& first, const int64_t* constant) {
  return reached<adders>(first, constant, std::make_integer_sequence<int, last_column<adders>()>());
}

// Neurons whose first column is shared: carries[8 k + s] is carry k with signs s.
template <int adders>
static void shared_sums(const Bits* carries, const Sum* sum, int sums, int vector) {
  for (const Sum* end = sum + sums; sum < end; sum++) {
    const uint64_t signs = sum->signs, last = sum->last;
    const auto first = [&]<int index>() __attribute__((always_inline)) {
      uint64_t of = signs >> 2 * index & 7;
      if constexpr (index == MOST / 2 - 1) of |= last << 2;
      return carries[8 * index + of];
    };
    sum->into[vector] = reached<adders>(first, sum->constant);
  }
}

// A neuron of its own: elements as they are to be added.
template <int adders>
static void own_sum(const Bits* const* element, const int64_t* constant, Bits* into, int vectors) {
  for (int vector = 0; vector < vectors; vector++) {
    Bits lowest = filled(constant[0]);
    const auto first = [&]<int index>() __attribute__((always_inline)) {
      const Bits before = lowest, a = element[2 * index][vector], b = element[2 * index + 1][vector];
      lowest = xor3(before, a, b);
      return majority(before, a, b);
    };
    into[vector] = reached<adders>(first, constant);
  }
}

typedef void (*SharedSums)(const Bits*, const Sum*, int, int);
typedef void (*OwnSum)(const Bits* const*, const int64_t*, Bits*, int);

// Compiled for so many adders; others take the next, with elements that are never true.
constexpr int next_compiled(int adders) {
  return adders <= 12 ? adders : adders <= 24 ? (adders + 1) / 2 * 2 : (adders + 3) / 4 * 4;
}

struct Adders {
  SharedSums shared[MOST / 2 + 1] = {};
  OwnSum own[MOST / 2 + 1] = {};
  constexpr Adders() { fill<1>(); }
  template <int adders>
  constexpr void fill() {
    shared[adders] = shared_sums<adders>;
    own[adders] = own_sum<adders>;
    if constexpr (adders < MOST / 2) fill<next_compiled(adders + 1)>();
  }
};
static constexpr Adders ADDERS;

// The slow way, for any number of elements: a counter. complement: which of them disagree when they hold.
static void counted(const std::vector<const Bits*>& element, const std::vector<bool>& complement, int needed, Bits* into,
                    int vectors) {
  int columns = 1;
  while ((1 << columns) < int(element.size())) columns++;
  for (int vector = 0; vector < vectors; vector++) {
    Bits sum[33];
    for (int i = 0; i <= columns; i++) sum[i] = all(((1 << columns) - needed) >> i & 1);
    for (size_t e = 0; e < element.size(); e++) {
      Bits more = complement[e] ? other(element[e][vector]) : element[e][vector];
      for (int i = 0; i <= columns; i++) {
        const Bits before = sum[i];
        sum[i] = differ(before, more);
        more = both(before, more);
      }
    }
    into[vector] = sum[columns];
  }
}

static inline uint64_t prefix_parity(uint64_t bits) {
  for (int i = 1; i < 64; i *= 2) bits ^= bits << i;
  return bits;
}

static inline uint64_t extracted(uint64_t bits, uint64_t mask) {
#if defined(__BMI2__)
  return _pext_u64(bits, mask);
#else
  uint64_t found = 0;
  for (int i = 0; mask; mask &= mask - 1, i++) found |= uint64_t(bits >> __builtin_ctzll(mask) & 1) << i;
  return found;
#endif
}

enum Answer { NEVER, SOMETIMES, ALWAYS };

static inline Answer answer_of(const Bits* found, int vectors) {
  const bool first = any(found[vectors - 1]);  // the last one has seen most
  for (int vector = vectors - 1; vector >= 0; vector--)
    if (first ? any(other(found[vector])) : any(found[vector])) return SOMETIMES;
  return first ? ALWAYS : NEVER;
}

// Room for what becomes of a block, one a thread.
struct Room {
  std::vector<Bits> carries, zeros;
  std::vector<Sum> sums;
  std::vector<int> which, needed;   // rows that vary, and how many of the varying elements have to agree
  std::vector<uint64_t> varies;     // of the elements that the rows look at
  Room(int rows, int vectors)         // of the widest layer
      : carries(8 * MOST / 2), zeros(vectors, all(false)), sums(rows), which(rows), needed(rows), varies(words_of(rows)) {}
};

// How many of a row's constant elements agree, and which of its elements vary.
static inline int agreeing(const Matrix& matrix, int row, const Edge& edge) {
  int found = 0;
  const uint64_t *weight = matrix.weight + row * matrix.words(), *among = matrix.among + row * matrix.words();
  for (int w = 0; w < matrix.words(); w++)
    found += __builtin_popcountll(~(weight[w] ^ edge.value[w]) & among[w] & ~edge.varies[w]);
  return found;
}

// Rows begin .. end − 1 of a layer, which look at the same elements.
static void alike(const Matrix& matrix, int begin, int end, const Edge& edge, int vectors, Edge& out, Bits* into, Room& room) {
  const int words = matrix.words();
  const uint64_t* among = matrix.among + begin * words;
  const Bits* element[MOST + 1];
  uint64_t* varies = room.varies.data();
  int varying = 0;
  for (int w = 0; w < words; w++) varying += __builtin_popcountll(varies[w] = edge.varies[w] & among[w]);
  int open = 0;
  for (int row = begin; row < end; row++) {
    const int needed = matrix.threshold[row] - agreeing(matrix, row, edge);
    if (needed <= 0) out.value[row >> 6] |= uint64_t(1) << (row & 63);
    if (needed <= 0 || needed > varying) continue;
    room.needed[open] = needed;
    room.which[open++] = row;
  }
  if (!open) return;
  if (varying > MOST) {
    std::vector<const Bits*> at;
    std::vector<int> place;
    for (int i = 0; i < matrix.fan_in; i++)
      if (varies[i >> 6] >> (i & 63) & 1) at.push_back(edge.at[i]), place.push_back(i);
    for (int o = 0; o < open; o++) {
      const int row = room.which[o];
      std::vector<bool> complement;
      for (int i : place) complement.push_back(!(matrix.weight[row * words + (i >> 6)] >> (i & 63) & 1));
      counted(at, complement, room.needed[o], into + row * vectors, vectors);
    }
  } else {
    int next = 0;
    for (int w = 0; w < words; w++)
      for (uint64_t left = varies[w]; left; left &= left - 1) element[next++] = edge.at[64 * w + __builtin_ctzll(left)];
    const int adders = next_compiled((varying + 1) / 2), columns = columns_of(adders);
    while (next < 2 * adders) element[next++] = room.zeros.data();
    for (int o = 0; o < open; o++) {
      const int row = room.which[o];
      const int64_t number = (int64_t(1) << columns) - room.needed[o];
      uint64_t signs = 0;
      for (int w = 0, at = 0; w < words; w++) {
        if (!varies[w]) continue;
        signs |= extracted(~matrix.weight[row * words + w], varies[w]) << at;
        at += __builtin_popcountll(varies[w]);
      }
      Sum& sum = room.sums[o];
      sum.signs = prefix_parity(signs << 1 | (number & 1));
      sum.last = sum.signs >> 63 ^ signs >> 63;
      constants(number, sum.constant);
      sum.into = into + row * vectors;
    }
    for (int vector = 0; vector < vectors; vector++) {
      Bits lowest = all(false);
      for (int k = 0; k < adders; k++) {
        const Bits a = element[2 * k][vector], b = element[2 * k + 1][vector];
        Bits* to = room.carries.data() + 8 * k;
        to[0] = majority(lowest, a, b);        // signs: bit 0 the sum's before, bit 1 after a, bit 2 after b
        to[1] = lut<0x2B>(lowest, a, b);
        to[2] = lut<0x71>(lowest, a, b);
        to[3] = lut<0x4D>(lowest, a, b);
        to[4] = lut<0xD4>(lowest, a, b);
        to[5] = lut<0x17>(lowest, a, b);
        to[6] = lut<0xB2>(lowest, a, b);
        to[7] = lut<0x8E>(lowest, a, b);
        lowest = xor3(lowest, a, b);
      }
      ADDERS.shared[adders](room.carries.data(), room.sums.data(), open, vector);
    }
  }
  for (int o = 0; o < open; o++) {
    const int row = room.which[o];
    const Answer answer = answer_of(into + row * vectors, vectors);
    const uint64_t bit = uint64_t(1) << (row & 63);
    if (answer == ALWAYS) out.value[row >> 6] |= bit;
    if (answer == SOMETIMES) out.varies[row >> 6] |= bit, out.at[row] = into + row * vectors;
  }
}

// All rows of a layer: `out` gets its constants, and the vectors of what varies are written to `into`, `vectors` a row.
static void layer(const Matrix& matrix, const Edge& edge, int vectors, Edge& out, Bits* into, Room& room) {
  const int words = matrix.words();
  std::fill(out.value.begin(), out.value.end(), 0);
  std::fill(out.varies.begin(), out.varies.end(), 0);
  for (int begin = 0, end; begin < matrix.rows; begin = end) {
    const uint64_t* among = matrix.among + begin * words;
    end = begin + 1;
    while (end < matrix.rows && std::equal(among, among + words, matrix.among + end * words)) end++;
    alike(matrix, begin, end, edge, vectors, out, into, room);
  }
}
