// How many inputs within a distance of one have another class, every one of them looked at or shown to have none.
//
// A subtree is "at most i flips more among the first m positions". It is split at its highest position until it is a leaf,
// whose inputs are a prefix of one table of patterns, so that a neuron of the first layer is a mask that its margin
// chooses. Where few neurons can change at all in a subtree, all combinations of these are tried in its place: does none
// of them, or do all, change the class, its inputs need not be looked at. Else what they said is kept, and narrowed on the
// way down as neurons cease to change, until it says one thing, or a leaf is small enough to be looked up in it.
#include "net.h"
#include "truth.h"

namespace {

constexpr int LEAF = 16384, VECTORS = LEAF / LANES;
constexpr int FREE = 14;      // neurons whose combinations are tried, at most
constexpr int LOOKED_UP = 8;  // neurons of a leaf whose classes are looked up, at most; with more the net is run
constexpr int UNKNOWN = -2;   // in place of a witness
constexpr int CHEAPER = 3;    // times: a subtree's inputs against the combinations in their place
static_assert(1 << FREE == LEAF);

struct Table {
  int positions = 0;                                // that its patterns flip, at most
  int vectors = 0;
  std::vector<std::vector<int8_t>> change;          // (neurons, patterns) of agreeing inputs
  std::vector<uint8_t> flips;                       // (patterns)
  std::vector<Bits> mask;                           // (neurons, margin + i, vectors): the neuron fires
  std::vector<Bits> of_flips;                       // (i + 1, vectors)
  std::vector<int64_t> seen;                        // (i + 1, vectors + 1) patterns in the vectors before
};

struct Radius {
  const Net net;
  const int inputs, radius, right, neurons, padded;
  std::vector<int16_t> margin, step, up, down;      // of the input itself; (inputs, padded); (inputs + 1, padded)
  std::vector<std::vector<int64_t>> within;         // [i][m]: patterns of at most i flips among m positions
  std::vector<std::vector<int64_t>> choose;         // [j][m]
  std::vector<Table> tables;
  std::vector<Bits> combinations;                   // (FREE, VECTORS)
  std::vector<Bits> tails;                          // [n]: lanes 0 .. n

  Radius(const Net& net, const uint8_t* x, int radius, int right)
      : net(net), inputs(net.first().fan_in), radius(radius), right(right), neurons(net.first().rows),
        padded(64 * words_of(neurons)), margin(padded, 0), step(size_t(inputs) * padded, 0),
        up(size_t(inputs + 1) * padded, 0), down(up), tables(radius + 1), combinations(FREE * VECTORS, all(false)),
        tails(LANES, all(false)) {
    const Matrix& first = net.first();
    for (int j = 0; j < neurons; j++) {
      margin[j] = -first.threshold[j];
      for (int p = 0; p < inputs; p++) {
        const bool agrees = bool(first.weight[j * first.words() + (p >> 6)] >> (p & 63) & 1) == bool(x[p]);
        margin[j] += agrees;
        step[size_t(p) * padded + j] = agrees ? -1 : 1;
        up[size_t(p + 1) * padded + j] = up[size_t(p) * padded + j] + !agrees;
        down[size_t(p + 1) * padded + j] = down[size_t(p) * padded + j] + agrees;
      }
    }
    count_patterns();
    for (int i = 0; i <= radius; i++) fill(i);
    for (int f = 0; f < FREE; f++)
      for (int lane = 0; lane < LEAF; lane++)
        if (lane >> f & 1) set(&combinations[f * VECTORS], lane);
    for (int n = 0; n < LANES; n++)
      for (int lane = 0; lane <= n; lane++) set(&tails[n], lane);
  }

  void count_patterns() {
    const int64_t most = int64_t(1) << 61;
    choose.assign(radius + 1, std::vector<int64_t>(inputs + 1, 1));
    within = choose;
    for (int i = 1; i <= radius; i++) {
      choose[i][0] = 0;
      for (int m = 1; m <= inputs; m++) {
        choose[i][m] = std::min(most, choose[i][m - 1] + choose[i - 1][m - 1]);
        within[i][m] = std::min(most, within[i][m - 1] + within[i - 1][m - 1]);
      }
    }
  }

  // Ordered by the highest position h of a pattern: h with each pattern of one flip less among those below h.
  void fill(int i) {
    Table& table = tables[i];
    while (table.positions < inputs && within[i][table.positions + 1] <= LEAF) table.positions++;
    const int patterns = within[i][table.positions];
    table.vectors = (patterns + LANES - 1) / LANES;
    table.flips.assign(1, 0);
    table.change.assign(neurons, std::vector<int8_t>(1, 0));
    if (i)
      for (int h = 0; h < table.positions; h++) {
        const int64_t less = within[i - 1][h];
        for (int64_t p = 0; p < less; p++) table.flips.push_back(tables[i - 1].flips[p] + 1);
        for (int j = 0; j < neurons; j++) {
          const int8_t* before = tables[i - 1].change[j].data();
          const int8_t here = step[size_t(h) * padded + j];
          for (int64_t p = 0; p < less; p++) table.change[j].push_back(before[p] + here);
        }
      }
    table.of_flips.assign(size_t(i + 1) * table.vectors, all(false));
    for (int p = 0; p < patterns; p++) set(&table.of_flips[size_t(table.flips[p]) * table.vectors], p);
    for (int j = 0; j <= i; j++) {
      table.seen.push_back(0);
      for (int v = 0; v < table.vectors; v++)
        table.seen.push_back(table.seen.back() + count(&table.of_flips[size_t(j) * table.vectors + v], 1));
    }
    table.mask.assign(size_t(neurons) * 2 * i * table.vectors, all(false));
    for (int j = 0; j < neurons; j++)
      for (int at = 0; at < 2 * i; at++) {
        Word* mask = table.mask[(size_t(j) * 2 * i + at) * table.vectors].word();
        const int8_t least = i - at;
        for (int p = 0; p < patterns; p++) mask[p >> 6] |= uint64_t(table.change[j][p] >= least) << (p & 63);
      }
  }
};

// How far the walk is where so many flips are left.
struct Level {
  std::vector<int16_t> margin;                      // (padded)
  Truth others;                                     // of the neurons that can change: the class is another one
};

struct Walk {
  const Radius& of;
  Block block;
  std::vector<int32_t> path;                        // positions that are flipped, from the highest
  int64_t *changed, *seen;                          // (radius + 1)
  int32_t* witness;                                 // (radius + 1, radius) positions, -2 at first
  const volatile int32_t* stop;
  std::vector<Level> levels;                        // (radius + 1) of flips left
  std::vector<int16_t> least, most;
  std::vector<uint64_t> fires, free;
  std::vector<const Bits*> masks;                   // of a leaf's neurons, as they stand in the truth
  std::vector<Bits> looked_up;

  explicit Walk(const Radius& of)
      : of(of), block(of.net, VECTORS), levels(of.radius + 1, Level{std::vector<int16_t>(of.padded), {}}), least(of.padded),
        most(of.padded), fires(of.padded / 64), free(of.padded / 64), masks(LOOKED_UP), looked_up((LOOKED_UP + 1) * VECTORS) {}

  // What the first layer's neurons are over the subtree: which can change, and what the others are.
  int look(const int16_t* margin, int m, int i) {
    const int16_t *up = &of.up[size_t(m) * of.padded], *down = &of.down[size_t(m) * of.padded];
    const int16_t flips = i;
    for (int j = 0; j < of.padded; j++) {
      least[j] = margin[j] - std::min(flips, down[j]);
      most[j] = margin[j] + std::min(flips, up[j]);
    }
    int found = 0;
    for (int w = 0; w < of.padded / 64; w++) {
      const uint64_t not_always = negative(&least[64 * w]);
      fires[w] = ~not_always;
      free[w] = not_always & ~negative(&most[64 * w]);
      found += __builtin_popcountll(free[w]);
    }
    return found;
  }

  // i flips at most among the first m positions, beyond those of the path. False where it was stopped.
  bool subtree(int m, int i) {
    Level& level = levels[i];
    for (;; m--) {
      const int64_t inputs = of.within[i][m];
      const int changeable = look(level.margin.data(), m, i);
      if (level.others.known) level.others.narrow(free, fires);
      else if (changeable <= FREE && std::max(512, 1 << changeable) * CHEAPER <= inputs)
        try_all(level.others, changeable);
      if (level.others.known && level.others.answer() != SOMETIMES) {
        decided(m, i, level.others.answer());
        return true;
      }
      if (inputs <= LEAF) {
        leaf(level, m, i);
        return true;
      }
      if (*stop) return false;
      const int16_t* step = &of.step[size_t(m - 1) * of.padded];
      Level& below = levels[i - 1];
      for (int j = 0; j < of.padded; j++) below.margin[j] = level.margin[j] + step[j];
      below.others = level.others;
      path.push_back(m - 1);
      const bool whole = subtree(m - 1, i - 1);
      path.pop_back();
      if (!whole) return false;
    }
  }

  Answer other_class(int vectors) {
    block.run(vectors);
    return block.any_row(of.net.versus[of.right], vectors);
  }

  // All combinations of the neurons that can change.
  void try_all(Truth& truth, int changeable) {
    const int vectors = std::max(1, (1 << changeable) / LANES);
    truth.neuron.clear();
    block.first.value = fires;
    block.first.varies = free;
    for (size_t w = 0; w < free.size(); w++)
      for (uint64_t left = free[w]; left; left &= left - 1) {
        const int j = 64 * w + __builtin_ctzll(left);
        block.first.at[j] = &of.combinations[VECTORS * truth.neuron.size()];
        truth.neuron.push_back(j);
      }
    truth.say(other_class(vectors), block.found.data());
  }

  void decided(int m, int i, Answer answer) {
    for (int j = 0; j <= i && j <= m; j++) {
      const int distance = path.size() + j;
      seen[distance] += of.choose[j][m];
      if (answer == NEVER) continue;
      changed[distance] += of.choose[j][m];
      std::vector<int32_t> flips(j);
      for (int p = 0; p < j; p++) flips[p] = p;
      found(distance, flips);
    }
  }

  void leaf(const Level& level, int m, int i) {
    const Table& table = of.tables[i];
    const int patterns = of.within[i][m], vectors = (patterns + LANES - 1) / LANES, last = vectors - 1;
    const auto mask = [&](int j) { return &table.mask[(size_t(j) * 2 * i + level.margin[j] + i) * table.vectors]; };
    const Truth& others = level.others;
    Answer answer;
    const Bits* other;
    if (others.known && others.neuron.size() <= LOOKED_UP) {
      for (size_t k = 0; k < others.neuron.size(); k++) masks[k] = mask(others.neuron[k]);
      answer = others.over(masks.data(), vectors, VECTORS, looked_up.data());
      other = looked_up.data();
    } else {
      block.first.value = fires;
      block.first.varies = free;
      for (size_t w = 0; w < free.size(); w++)
        for (uint64_t left = free[w]; left; left &= left - 1) {
          const int j = 64 * w + __builtin_ctzll(left);
          block.first.at[j] = mask(j);
        }
      answer = other_class(vectors);
      other = block.found.data();
    }
    const Bits tail = of.tails[(patterns - 1) % LANES];
    for (int j = 0; j <= i; j++) {
      const Bits* of_flips = &table.of_flips[size_t(j) * table.vectors];
      const int distance = path.size() + j;
      const Bits end = both(of_flips[last], tail);
      seen[distance] += table.seen[j * (table.vectors + 1) + last] + count(&end, 1);
      if (answer == NEVER) continue;
      Bits which[VECTORS];
      for (int v = 0; v < vectors; v++) which[v] = answer == ALWAYS ? of_flips[v] : both(of_flips[v], other[v]);
      which[last] = both(which[last], tail);
      const int64_t others = count(which, vectors);
      changed[distance] += others;
      if (others && witness[distance * of.radius] == UNKNOWN) {
        int lane = 0;
        while (!holds(which, lane)) lane++;
        std::vector<int32_t> flips;
        pattern(i, lane, flips);
        found(distance, flips);
      }
    }
  }

  void pattern(int i, int64_t index, std::vector<int32_t>& flips) const {
    for (; index; i--) {
      int h = 0;
      while (of.within[i][h + 1] <= index) h++;
      flips.push_back(h);
      index -= of.within[i][h];
    }
  }

  void found(int distance, const std::vector<int32_t>& flips) {
    int32_t* to = &witness[size_t(distance) * of.radius];
    if (of.radius == 0 || to[0] != UNKNOWN) return;
    to = std::copy(path.begin(), path.end(), to);
    std::copy(flips.begin(), flips.end(), to);
    if (distance == 0) witness[0] = -1;
  }
};

}  // namespace

extern "C" {

void* radius_open(const Net* net, const uint8_t* x, int32_t radius, int32_t right) { return new Radius(*net, x, radius, right); }

void radius_close(void* opened) { delete static_cast<Radius*>(opened); }

// The subtree of at most radius − flips flips more among the first `positions`. 0 where it was stopped.
int32_t radius_walk(const void* opened, int32_t positions, const int32_t* flip, int32_t flips, int64_t* changed,
                    int64_t* seen, int32_t* witness, const volatile int32_t* stop) {
  const Radius& of = *static_cast<const Radius*>(opened);
  Walk walk(of);
  std::vector<int16_t>& margin = walk.levels[of.radius - flips].margin;
  margin = of.margin;
  for (int f = 0; f < flips; f++) {
    walk.path.push_back(flip[f]);
    for (int j = 0; j < of.padded; j++) margin[j] += of.step[size_t(flip[f]) * of.padded + j];
  }
  walk.changed = changed;
  walk.seen = seen;
  walk.witness = witness;
  walk.stop = stop;
  return walk.subtree(positions, of.radius - flips);
}
}
