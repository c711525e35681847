// Every input of a product of groups: how many there are of each class, and how often each code of a layer.
//
// A group is what changes together, such as a bit or a pixel; it is at one of its levels, each with a weight: so many inputs
// look alike there. The lowest groups make a leaf, whose combinations are lanes, so that a neuron of the first layer is a
// mask that its margin chooses; the others are gone through. Where few neurons can change at all below a group, all
// combinations of these are tried in its place: is there one class, its inputs need not be looked at. Where codes of a layer
// are counted, nothing behind it is: that follows from the codes. They can be counted apart by a y of each input: the class that
// the net gives it, or a label from outside.
#include <array>

#include "net.h"

namespace {

constexpr int LEAF = 4096, VECTORS = LEAF / LANES;
constexpr int FREE = 12;    // neurons whose combinations are tried, at most: as many as a leaf has room for
constexpr int CHEAPER = 3;  // times: a subtree's inputs against the combinations in their place

// How often each code was seen. Of many codes a few come again and again: these are kept at hand. The others lie where
// memory has to be waited for, so they are asked for together.
struct Counter {
  struct Seen {
    uint64_t code;
    int64_t number;
  };
  const size_t most;
  bool full = false;
  size_t used = 0, waits = 0;
  std::vector<Seen> hand, all;
  std::array<Seen, 64> waiting;
  explicit Counter(size_t most) : most(most), hand(1 << 12), all(1 << 12) {}

  static uint64_t mixed(uint64_t code) {
    code *= 0x9E3779B97F4A7C15u;
    return code ^ code >> 32;
  }
  size_t home(uint64_t code) const { return mixed(code) >> 12 & (all.size() - 1); }
  void add(uint64_t code) {
    Seen& at = hand[mixed(code) & 4095];
    if (at.code != code) {
      if (at.number) later(at);
      at = {code, 0};
    }
    at.number++;
  }
  void later(const Seen& seen) {
    __builtin_prefetch(&all[home(seen.code)], 1);
    waiting[waits++] = seen;
    if (waits == waiting.size()) settle();
  }
  void settle() {
    for (size_t i = 0; i < waits; i++) keep(waiting[i]);
    waits = 0;
  }
  void keep(const Seen& seen) {
    if (full) return;
    if (2 * used >= all.size()) grow();
    Seen& at = all[place(seen.code)];
    if (!at.number) {
      if (used == most) {
        full = true;
        return;
      }
      at.code = seen.code;
      used++;
    }
    at.number += seen.number;
  }
  size_t place(uint64_t code) const {
    size_t at = home(code);
    while (all[at].number && all[at].code != code) at = (at + 1) & (all.size() - 1);
    return at;
  }
  void grow() {
    std::vector<Seen> before(2 * all.size());
    before.swap(all);
    for (const Seen& seen : before)
      if (seen.number) all[place(seen.code)] = seen;
  }
  void close() {
    for (Seen& seen : hand)
      if (seen.number) later(seen), seen.number = 0;
    settle();
  }
};

struct Region {
  const Net net;
  const int groups, neurons, padded, only;
  const uint8_t* labels;                          // of each combination, the lowest group's levels fastest; or null
  std::vector<int> levels, begin;                 // of each group; its first level among all
  std::vector<int16_t> margin, change;            // (padded), (all levels, padded)
  std::vector<int64_t> weight, total;             // of each level; [g]: of all inputs of the groups below g
  std::vector<double> inputs;                     // [g]: combinations of the groups below g
  std::vector<int16_t> least, most;               // (groups + 1, padded) changes by the groups below
  int low = 0, patterns = 1, vectors = 1;         // groups of a leaf, and their combinations
  std::vector<Bits> plane;                        // (bits of a leaf's weights, vectors)
  int planes = 0;
  std::vector<size_t> mask_of;                    // [neuron] in mask
  std::vector<Bits> mask, combinations;

  Region(const Net& net, const int16_t* at, int groups, const int32_t* levels_of, const int64_t* weights,
         const int16_t* changes, int only, const uint8_t* labels)
      : net(net), groups(groups), neurons(net.first().rows), padded(64 * words_of(neurons)), only(only),
        labels(labels), levels(levels_of, levels_of + groups), begin(groups + 1, 0), margin(padded, 0), total(groups + 1, 1),
        inputs(groups + 1, 1), least(size_t(groups + 1) * padded, 0), most(least), mask_of(neurons + 1, 0),
        combinations(FREE * VECTORS, all(false)) {
    std::copy(at, at + neurons, margin.begin());
    for (int g = 0; g < groups; g++) begin[g + 1] = begin[g] + levels[g];
    weight.assign(weights, weights + begin[groups]);
    change.assign(size_t(begin[groups]) * padded, 0);
    for (int l = 0; l < begin[groups]; l++) std::copy(changes + size_t(l) * neurons, changes + size_t(l + 1) * neurons, &change[size_t(l) * padded]);
    for (int g = 0; g < groups; g++) {
      int64_t sum = 0;
      for (int l = begin[g]; l < begin[g + 1]; l++) sum += weight[l];
      total[g + 1] = total[g] * sum;
      inputs[g + 1] = inputs[g] * levels[g];
      for (int j = 0; j < padded; j++) {
        int16_t down = INT16_MAX, up = INT16_MIN;
        for (int l = begin[g]; l < begin[g + 1]; l++) {
          down = std::min(down, change[size_t(l) * padded + j]);
          up = std::max(up, change[size_t(l) * padded + j]);
        }
        least[size_t(g + 1) * padded + j] = least[size_t(g) * padded + j] + down;
        most[size_t(g + 1) * padded + j] = most[size_t(g) * padded + j] + up;
      }
    }
    while (low < groups && patterns * levels[low] <= LEAF) patterns *= levels[low++];
    vectors = (patterns + LANES - 1) / LANES;
    fill();
    for (int f = 0; f < FREE; f++)
      for (int lane = 0; lane < 1 << FREE; lane++)
        if (lane >> f & 1) set(&combinations[f * VECTORS], lane);
  }

  void fill() {
    std::vector<int64_t> weighs(patterns, 1);
    std::vector<int16_t> moved(size_t(neurons) * patterns, 0);
    for (int p = 0; p < patterns; p++)
      for (int g = 0, rest = p; g < low; rest /= levels[g++]) {
        const int level = begin[g] + rest % levels[g];
        weighs[p] *= weight[level];
        for (int j = 0; j < neurons; j++) moved[size_t(j) * patterns + p] += change[size_t(level) * padded + j];
      }
    while (planes < 63 && total[low] >> planes) planes++;
    plane.assign(size_t(planes) * vectors, all(false));
    for (int b = 0; b < planes; b++)
      for (int p = 0; p < patterns; p++)
        if (weighs[p] >> b & 1) set(&plane[size_t(b) * vectors], p);
    for (int j = 0; j < neurons; j++)
      mask_of[j + 1] = mask_of[j] + size_t(most[size_t(low) * padded + j] - least[size_t(low) * padded + j]) * vectors;
    mask.assign(mask_of[neurons], all(false));
    for (int j = 0; j < neurons; j++) {
      const int up = most[size_t(low) * padded + j], width = up - least[size_t(low) * padded + j];
      for (int at = 0; at < width; at++) {
        Word* word = mask[mask_of[j] + size_t(at) * vectors].word();
        for (int p = 0; p < patterns; p++)
          word[p >> 6] |= uint64_t(moved[size_t(j) * patterns + p] + at - up >= 0) << (p & 63);
      }
    }
  }
};

struct Walk {
  const Region& of;
  Block block;
  std::vector<int32_t> path;            // level of every group, where it is not the leaf's
  int64_t* number;                      // (classes) inputs
  int32_t* witness;                     // (classes, groups) levels, -2 at first
  std::vector<Counter*> counters;       // of codes of hidden layer `counted`, in place of classes: one, or one for each y
  int counted = 0, bits = 64;
  bool apart = false;                   // by y: the label, where there are labels, else the class
  const volatile int32_t* stop;
  std::vector<int16_t> low, high;
  std::vector<uint64_t> fires, free;
  std::vector<Bits> left, hits;
  std::vector<uint8_t> classes;         // of each lane

  explicit Walk(const Region& of)
      : of(of), block(of.net, VECTORS), path(of.groups, 0), low(of.padded), high(of.padded), fires(of.padded / 64),
        free(of.padded / 64), left(VECTORS), hits(VECTORS), classes(LEAF) {}

  int look(const int16_t* margin, int g) {
    int found = 0;
    const int16_t *least = &of.least[size_t(g) * of.padded], *most = &of.most[size_t(g) * of.padded];
    for (int j = 0; j < of.padded; j++) low[j] = margin[j] + least[j], high[j] = margin[j] + most[j];
    for (int w = 0; w < of.padded / 64; w++) {
      const uint64_t not_always = negative(&low[64 * w]);
      fires[w] = ~not_always;
      free[w] = not_always & ~negative(&high[64 * w]);
      found += __builtin_popcountll(free[w]);
    }
    return found;
  }

  // All of the groups below g. False where it was stopped.
  bool below(const int16_t* margin, int g, int64_t weight) {
    const int changeable = look(margin, g);
    if (counters.empty() && changeable <= FREE && double(std::max(LANES, 1 << changeable)) * CHEAPER <= of.inputs[g] &&
        decided(g, changeable, weight))
      return true;
    if (g <= of.low) {
      leaf(margin, weight);
      return true;
    }
    if (*stop || full()) return false;
    std::vector<int16_t> moved(of.padded);
    for (int level = 0; level < of.levels[g - 1]; level++) {
      const int16_t* change = &of.change[size_t(of.begin[g - 1] + level) * of.padded];
      for (int j = 0; j < of.padded; j++) moved[j] = margin[j] + change[j];
      path[g - 1] = level;
      if (!below(moved.data(), g - 1, weight * of.weight[of.begin[g - 1] + level])) return false;
    }
    return true;
  }

  bool decided(int g, int changeable, int64_t weight) {
    const int vectors = std::max(1, (1 << changeable) / LANES);
    block.first.value = fires;
    block.first.varies = free;
    int next = 0;
    for (size_t w = 0; w < free.size(); w++)
      for (uint64_t rest = free[w]; rest; rest &= rest - 1)
        block.first.at[64 * w + __builtin_ctzll(rest)] = &of.combinations[VECTORS * next++];
    block.run(vectors);
    for (int c = 0; c < of.net.classes; c++) {
      if (of.only >= 0 && c != of.only) continue;
      const Answer another = block.any_row(of.net.versus[c], vectors);
      if (another == SOMETIMES) return false;
      if (another == ALWAYS) continue;
      number[c] += weight * of.total[g];
      std::fill(path.begin(), path.begin() + g, 0);
      found(c, 0);
      return true;
    }
    if (of.only >= 0) return true;
    return false;
  }

  void leaf(const int16_t* margin, int64_t weight) {
    const int vectors = of.vectors;
    block.first.value = fires;
    block.first.varies = free;
    for (size_t w = 0; w < free.size(); w++)
      for (uint64_t rest = free[w]; rest; rest &= rest - 1) {
        const int j = 64 * w + __builtin_ctzll(rest);
        block.first.at[j] = &of.mask[of.mask_of[j] + size_t(margin[j] + of.most[size_t(of.low) * of.padded + j]) * vectors];
      }
    if (!counters.empty() && !(apart && !of.labels)) {
      block.run(counted + 1, vectors);
      count_codes(apart ? labels_here() : nullptr);
      return;
    }
    block.run(vectors);
    if (!counters.empty()) {
      each_class([&](int c) {
        for (int v = 0; v < vectors; v++)
          for (int w = 0; w < LANES / 64; w++)
            for (uint64_t rest = hits[v].word()[w]; rest; rest &= rest - 1) classes[v * LANES + 64 * w + __builtin_ctzll(rest)] = c;
      });
      count_codes(classes.data());
      return;
    }
    each_class([&](int c) {
      int64_t inputs = 0;
      for (int b = 0; b < of.planes; b++) {
        Bits of_plane[VECTORS];
        for (int v = 0; v < vectors; v++) of_plane[v] = both(hits[v], of.plane[size_t(b) * vectors + v]);
        const int64_t here = count(of_plane, vectors);
        inputs += here << b;
        if (here && witness[size_t(c) * of.groups] == -2) {
          int lane = 0;
          while (!holds(of_plane, lane)) lane++;
          found(c, lane);
        }
      }
      number[c] += inputs * weight;
    });
  }

  // Tells of each class, or the one that is asked for, that a lane of this leaf may have: `hits` are its lanes.
  template <typename Told>
  void each_class(Told told) {
    for (int v = 0; v < of.vectors; v++) left[v] = all(true);
    for (int c = 0; c < of.net.classes; c++) {
      if (of.only >= 0 && c != of.only) continue;
      const Answer another = block.any_row(of.net.versus[c], of.vectors);
      if (another == ALWAYS) continue;
      bool more = false;
      for (int v = 0; v < of.vectors; v++) {
        hits[v] = another == NEVER ? left[v] : lut<0x30>(left[v], block.found[v], block.found[v]);
        left[v] = lut<0x30>(left[v], hits[v], hits[v]);
        more = more || any(left[v]);
      }
      told(c);
      if (!more) break;
    }
  }

  // Whether there are too many codes, of all y together. Then the first counter says so.
  bool full() {
    bool some = false;
    size_t used = 0;
    for (const Counter* counter : counters) used += counter->used, some = some || counter->full;
    if (!some && (counters.empty() || used <= counters[0]->most)) return false;
    return counters[0]->full = true;
  }

  const uint8_t* labels_here() const {
    const uint8_t* label = of.labels;
    for (int g = of.groups; g > of.low; g--) label += size_t(of.inputs[g - 1]) * path[g - 1];
    return label;
  }

  void found(int c, int lane) {
    int32_t* to = &witness[size_t(c) * of.groups];
    if (to[0] != -2) return;
    std::copy(path.begin(), path.end(), to);
    for (int g = 0; g < of.low; lane /= of.levels[g++]) to[g] = lane % of.levels[g];
  }

  // Of the first `bits` neurons of a leaf. y: of each lane; or null, where codes are not counted apart.
  void count_codes(const uint8_t* y) {
    const Edge& edge = block.hidden(counted);
    Bits row[64];
    for (int v = 0; v < of.vectors; v++) {
      for (int i = 0; i < 64; i++) {
        if (i < bits && edge.varies[0] >> i & 1) row[i] = edge.at[i][v];
        else row[i] = all(i < bits && edge.value[0] >> i & 1);
      }
      transpose(row);
      for (int lane = 0; lane < LANES && v * LANES + lane < of.patterns; lane++)
        counters[y ? y[v * LANES + lane] : 0]->add(row[lane & 63].word()[lane >> 6]);
    }
  }
};

}  // namespace

extern "C" {

// margin   (neurons) of the input at which every group is at its first level without its change
// levels   (groups); weight, change: (all levels), (all levels, neurons) of agreeing elements
// only     the class that is asked for, or -1 for all
// labels   null, or one of each combination, the lowest group's levels fastest
void* region_open(const Net* net, const int16_t* margin, int32_t groups, const int32_t* levels, const int64_t* weight,
                  const int16_t* change, int32_t only, const uint8_t* labels) {
  return new Region(*net, margin, groups, levels, weight, change, only, labels);
}

void region_close(void* opened) { delete static_cast<Region*>(opened); }

// counters   of the codes of the first `bits` neurons of hidden layer `counted`; none: classes are counted
// apart      there is a counter for each y: the label, where there are labels, else the class; otherwise one for all
//
// The groups from `fixed` on are at the levels that `path` says. 0 where it was stopped, or a counter is full.
int32_t region_walk(const void* opened, const int32_t* path, int32_t fixed, int64_t* number, int32_t* witness,
                    void* const* counters, int32_t ys, int32_t apart, int32_t counted, int32_t bits,
                    const volatile int32_t* stop) {
  const Region& of = *static_cast<const Region*>(opened);
  Walk walk(of);
  std::vector<int16_t> margin = of.margin;
  int64_t weight = 1;
  for (int g = fixed; g < of.groups; g++) {
    const int level = of.begin[g] + path[g];
    walk.path[g] = path[g];
    weight *= of.weight[level];
    for (int j = 0; j < of.padded; j++) margin[j] += of.change[size_t(level) * of.padded + j];
  }
  walk.number = number;
  walk.witness = witness;
  for (int y = 0; y < ys; y++) walk.counters.push_back(static_cast<Counter*>(counters[y]));
  walk.apart = apart;
  walk.counted = counted;
  walk.bits = bits;
  walk.stop = stop;
  const bool whole = walk.below(margin.data(), fixed, weight);
  for (Counter* counter : walk.counters) counter->close();
  return whole && !walk.full();
}

void* counter_open(int64_t most) { return new Counter(most); }

void counter_close(void* opened) { delete static_cast<Counter*>(opened); }

void counter_add(void* opened, const uint64_t* code, const int64_t* number, int64_t codes) {
  Counter& to = *static_cast<Counter*>(opened);
  for (int64_t i = 0; i < codes; i++) to.later({code[i], number[i]});
  to.settle();
}

// How many codes were seen, or -1 where there were more than are counted.
int64_t counter_size(const void* opened) {
  const Counter& of = *static_cast<const Counter*>(opened);
  return of.full ? -1 : of.used;
}

void counter_read(const void* opened, uint64_t* code, int64_t* number) {
  const Counter& of = *static_cast<const Counter*>(opened);
  for (const Counter::Seen& seen : of.all)
    if (seen.number) *code++ = seen.code, *number++ = seen.number;
}
}
