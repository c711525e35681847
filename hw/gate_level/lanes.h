// What a compiled netlist stands on: a net is a vector whose lanes are frames, or, where it is the same for all frames,
// one truth in all bits of a word.
#pragma once
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "bits.h"

template <int table>
static inline uint64_t lut(uint64_t a, uint64_t b, uint64_t c) {
  constexpr int on = table >> 4, off = table & 15;
  constexpr auto row = [](int rows, uint64_t b, uint64_t c) -> uint64_t {
    switch (rows) {
      case 0: return 0;
      case 15: return ~uint64_t(0);
      case 6: return b ^ c;
      case 9: return ~(b ^ c);
      case 12: return b;
      case 3: return ~b;
      case 10: return c;
      case 5: return ~c;
      case 8: return b & c;
      case 7: return ~(b & c);
      case 4: return b & ~c;
      case 11: return ~b | c;
      case 2: return ~b & c;
      case 13: return b | ~c;
      case 1: return ~(b | c);
      default: return b | c;
    }
  };
  if constexpr (on == off) return row(on, b, c);
  else if constexpr (on == (off ^ 15)) return a ^ row(off, b, c);
  else {
    const uint64_t low = row(off, b, c);
    return low ^ (a & (row(on, b, c) ^ low));
  }
}

// The first of the lanes that does not say `truth`, or -1.
static inline int64_t other_lane(const Bits& of, uint64_t truth, int64_t lanes) {
  for (int64_t w = 0; 64 * w < lanes; w++) {
    uint64_t differs = of.word()[w] ^ truth;
    if (lanes - 64 * w < 64) differs &= (uint64_t(1) << (lanes - 64 * w)) - 1;
    if (differs) return 64 * w + __builtin_ctzll(differs);
  }
  return -1;
}

// A stream that is recorded, `width` bits a beat.
struct Tap {
  uint8_t* codes;       // (lanes, frames of a lane, bytes)
  int64_t bytes, bits;  // of a frame
  int64_t width, due;   // due: beats of all frames of a lane
  int64_t seen;         // out
  Bits* code;           // (groups, room): of the frame that is under way, a vector a bit
  int64_t room;         // a multiple of 64

  Bits* next(int64_t group) { return code + group * room + width * (seen % (bits / width)); }
};

// Lanes lie in groups of a vector each.
struct Run {
  const uint8_t* input;  // (lanes, lane_bytes): the beats of all frames of a lane
  int64_t lane_bytes, beat_bytes, beats, lanes, frames;
  Tap* taps;
  int64_t patience;      // cycles without a beat anywhere after which it hangs
  int64_t listen;        // cycles after the last beat that is due in which none may follow
  int64_t cycles;        // out: until the last beat
  int64_t first_frame;   // out: cycle in which the first frame has left
  int64_t complaint;     // out: the check that failed
  int64_t lane;          // out: the first that differs there from lane 0
};

// `count` bits of a word as words that are all of that truth.
template <int count>
static inline void spread(uint64_t* to, uint64_t word) {
#if defined(__AVX512F__)
  for (int i = 0; i < count; i += 8)
    _mm512_mask_storeu_epi64(to + i, count - i < 8 ? (1 << (count - i)) - 1 : 255,
                             _mm512_maskz_set1_epi64(word >> i & 255, -1));
#else
  for (int i = 0; i < count; i++) to[i] = -(word >> i & 1);
#endif
}

// The way back, of 64.
static inline uint64_t gathered(const uint64_t* from) {
  uint64_t found = 0;
#if defined(__AVX512F__)
  for (int i = 0; i < 64; i += 8) {
    const __m512i eight = _mm512_loadu_si512(from + i);
    found |= uint64_t(_mm512_test_epi64_mask(eight, eight)) << i;
  }
#else
  for (int i = 0; i < 64; i++) found |= (from[i] & 1) << i;
#endif
  return found;
}

static inline void copy_at_most_8(void* to, const void* from, int64_t bytes) {
  if (bytes >= 8) std::memcpy(to, from, 8);
  else std::memcpy(to, from, bytes);
}

// The beats of all lanes as vectors, a cache line of each lane at a time; a lane that there is not repeats the first.
struct Source {
  const Run& run;
  const int64_t first_lane, lanes, at_once;
  int64_t sent = 0, held = 0;
  Bits* vectors;
  Source(const Run& run, int64_t first_lane)
      : run(run), first_lane(first_lane), lanes(std::min<int64_t>(LANES, run.lanes - first_lane)),
        at_once(run.beat_bytes < 64 ? 64 / run.beat_bytes : 1) {
    const int64_t chunks = (at_once * run.beat_bytes + 7) / 8;
    vectors = static_cast<Bits*>(std::aligned_alloc(64, chunks * 64 * sizeof(Bits)));
  }
  ~Source() { std::free(vectors); }
  Source(const Source&) = delete;
  const Bits* next() {
    if (sent == held) {
      const int64_t from = sent * run.beat_bytes;
      const int64_t most = std::min(at_once * run.beat_bytes, run.lane_bytes - from);
      for (int64_t done = 0; done < most; done += 8) {
        Bits* to = vectors + 8 * done;
        for (int k = 0; k < 64; k++)
          for (int w = 0; w < WORDS; w++) {
            const int64_t lane = 64 * w + k < lanes ? 64 * w + k : 0;
            const uint8_t* bytes = run.input + (first_lane + lane) * run.lane_bytes + from + done;
            if (done == 0) __builtin_prefetch(bytes + most);
            copy_at_most_8(&to[k].word()[w], bytes, most - done);
          }
        transpose(to);
      }
      held = sent + at_once;
    }
    return vectors + 8 * run.beat_bytes * (sent++ % at_once);
  }
};

// A frame's code is complete: its bytes of each lane of a group.
static inline void flush(const Run& run, const Tap& tap, int64_t frame, int64_t group) {
  const int64_t first = group * LANES, lanes = std::min<int64_t>(LANES, run.lanes - first);
  for (int64_t chunk = 0; 64 * chunk < tap.bits; chunk++) {
    Bits* row = tap.code + group * tap.room + 64 * chunk;
    for (int64_t k = tap.bits - 64 * chunk; k < 64; k++) row[k] = all(false);
    transpose(row);
    uint8_t* to = tap.codes + (first * run.frames + frame) * tap.bytes + 8 * chunk;
    for (int64_t lane = 0; lane < lanes; lane++, to += run.frames * tap.bytes)
      copy_at_most_8(to, &row[lane & 63].word()[lane >> 6], tap.bytes - 8 * chunk);
  }
}
