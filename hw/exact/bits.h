// 512 truths a vector: one type in three forms, AVX-512, AVX2 and portable, with the same answers.
//
//   lut<table>(a, b, c)   any function of three truths; bit 4a + 2b + c of `table` is its answer
//   xor3, majority        sum and carry of a full adder
//
// The form is what the compiler is allowed: -mavx512f -mavx512bw, -mavx2, or neither.
#pragma once
#include <cstdint>
#include <cstring>
#if defined(__AVX512F__) || defined(__AVX2__) || defined(__BMI2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
typedef __m512i Part;
#elif defined(__AVX2__)
typedef uint64_t Part __attribute__((vector_size(32)));
#else
typedef uint64_t Part __attribute__((vector_size(16)));
#endif
typedef uint64_t __attribute__((may_alias)) Word;

constexpr int LANES = 512, PARTS = LANES / 8 / sizeof(Part), WORDS = LANES / 64;

struct alignas(64) Bits {
  Part part[PARTS];
  Word* word() { return reinterpret_cast<Word*>(this); }
  const Word* word() const { return reinterpret_cast<const Word*>(this); }
};

#if defined(__AVX512F__)
template <int table>
static inline Part lut_part(Part a, Part b, Part c) { return _mm512_ternarylogic_epi64(a, b, c, table); }
#else
template <int row>  // of a table: bit 2b + c
static inline Part row_part(Part b, Part c) {
  if constexpr (row == 0) return b ^ b;
  else if constexpr (row == 15) return ~(b ^ b);
  else if constexpr (row == 6) return b ^ c;
  else if constexpr (row == 9) return ~(b ^ c);
  else if constexpr (row == 12) return b;
  else if constexpr (row == 3) return ~b;
  else if constexpr (row == 10) return c;
  else if constexpr (row == 5) return ~c;
  else if constexpr (row == 8) return b & c;
  else if constexpr (row == 7) return ~(b & c);
  else if constexpr (row == 4) return b & ~c;
  else if constexpr (row == 11) return ~(b & ~c);
  else if constexpr (row == 2) return ~b & c;
  else if constexpr (row == 13) return ~(~b & c);
  else if constexpr (row == 1) return ~(b | c);
  else return b | c;
}
template <int table>
static inline Part lut_part(Part a, Part b, Part c) {
  constexpr int on = table >> 4, off = table & 15;
  if constexpr (on == off) return row_part<on>(b, c);
  else if constexpr (on == (off ^ 15)) return a ^ row_part<off>(b, c);
  else {
    const Part low = row_part<off>(b, c);
    return low ^ (a & (row_part<on>(b, c) ^ low));
  }
}
#endif

template <int table>
static inline Bits lut(const Bits& a, const Bits& b, const Bits& c) {
  Bits found;
  for (int i = 0; i < PARTS; i++) found.part[i] = lut_part<table>(a.part[i], b.part[i], c.part[i]);
  return found;
}
static inline Bits xor3(const Bits& a, const Bits& b, const Bits& c) { return lut<0x96>(a, b, c); }
static inline Bits majority(const Bits& a, const Bits& b, const Bits& c) { return lut<0xE8>(a, b, c); }
static inline Bits differ(const Bits& a, const Bits& b) { return lut<0x3C>(a, b, b); }
static inline Bits both(const Bits& a, const Bits& b) { return lut<0xC0>(a, b, b); }
static inline Bits either(const Bits& a, const Bits& b) { return lut<0xFC>(a, b, b); }
static inline Bits other(const Bits& a) { return lut<0x0F>(a, a, a); }

static inline Bits filled(uint64_t word) {
  Bits found;
#if defined(__AVX512F__)
  for (int i = 0; i < PARTS; i++) found.part[i] = _mm512_set1_epi64(word);
#else
  for (int i = 0; i < PARTS; i++) found.part[i] = Part{} + word;
#endif
  return found;
}
static inline Bits all(bool truth) { return filled(truth ? ~uint64_t(0) : 0); }
static inline bool any(const Bits& a) {
#if defined(__AVX512F__)
  Part found = a.part[0];
  for (int i = 1; i < PARTS; i++) found = _mm512_or_si512(found, a.part[i]);
  return _mm512_test_epi64_mask(found, found) != 0;
#else
  uint64_t found = 0;
  for (int w = 0; w < WORDS; w++) found |= a.word()[w];
  return found != 0;
#endif
}

static inline void set(Bits* vectors, int64_t lane) { vectors->word()[lane >> 6] |= uint64_t(1) << (lane & 63); }
static inline bool holds(const Bits* vectors, int64_t lane) { return vectors->word()[lane >> 6] >> (lane & 63) & 1; }

// How many truths of the vectors hold.
static inline int64_t count(const Bits* a, int vectors) {
#if defined(__AVX512VPOPCNTDQ__)
  __m512i found = _mm512_setzero_si512();
  const Part* part = a->part;
  for (int p = 0; p < vectors * PARTS; p++) found = _mm512_add_epi64(found, _mm512_popcnt_epi64(part[p]));
  return _mm512_reduce_add_epi64(found);
#else
  int64_t found = 0;
  for (int w = 0; w < vectors * WORDS; w++) found += __builtin_popcountll(a->word()[w]);
  return found;
#endif
}

// Which of 64 numbers are negative, a bit each.
static inline uint64_t negative(const int16_t* numbers) {
#if defined(__AVX512BW__)
  const uint64_t low = _mm512_movepi16_mask(_mm512_loadu_si512(numbers));
  const uint64_t high = _mm512_movepi16_mask(_mm512_loadu_si512(numbers + 32));
  return low | high << 32;
#else
  uint64_t found = 0;
  for (int i = 0; i < 64; i++) found |= uint64_t(numbers[i] < 0) << i;
  return found;
#endif
}

// From 64 vectors of a bit each to codes: word w of vector k becomes that of lane 64 w + k.
[[maybe_unused]] static inline void transpose(Bits* row) {
  typedef uint64_t Eight __attribute__((vector_size(64), may_alias, aligned(64)));
  Eight* a = reinterpret_cast<Eight*>(row);
  uint64_t mask = 0xFFFFFFFFu;
  for (int j = 32; j; j >>= 1, mask ^= mask << j)
    for (int k = 0; k < 64; k = (k + j + 1) & ~j) {
      const Eight change = ((a[k] >> j) ^ a[k + j]) & mask;
      a[k + j] ^= change;
      a[k] ^= change << j;
    }
}
