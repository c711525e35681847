// A 1-bit net behind its first layer: from what that answers over a block of inputs to where the class is another one.
#pragma once
#include <memory>
#include "neurons.h"

// layer    of `layers`: the first looks at the inputs, the walks do that one; the others at the layer before
// versus   (classes) matrices: row of versus[c] holds where another class goes before class c
struct Net {
  int layers, classes;
  const Matrix *layer, *versus;
  const Matrix& first() const { return layer[0]; }
  const Matrix& last() const { return layer[layers - 1]; }
};

// What becomes of a block of at most `most` vectors, one a thread.
struct Block {
  const Net& net;
  const int most;
  Edge first;                                   // to be filled in: what the first layer answers
  std::vector<std::unique_ptr<Edge>> edges;     // of the layers behind it
  std::vector<std::vector<Bits>> room_of;
  std::vector<Bits> complements, one, found;
  Room room;

  Block(const Net& net, int most)
      : net(net), most(most), first(net.first().rows), complements(size_t(net.last().rows) * most), one(most), found(most),
        room(widest(net), most) {
    for (int i = 1; i < net.layers; i++) {
      edges.push_back(std::make_unique<Edge>(net.layer[i].rows));
      room_of.emplace_back(size_t(net.layer[i].rows) * most);
    }
  }

  static int widest(const Net& net) {
    int rows = net.classes;
    for (int i = 0; i < net.layers; i++) rows = std::max(rows, net.layer[i].rows);
    return rows;
  }

  const Edge& hidden(int index) const { return index ? *edges[index - 1] : first; }

  // Through the first `layers` of the hidden ones.
  void run(int layers, int vectors) {
    for (int i = 1; i < layers; i++) layer(net.layer[i], hidden(i - 1), vectors, *edges[i - 1], room_of[i - 1].data(), room);
  }

  // Through all of them, for `any_row`.
  void run(int vectors) {
    run(net.layers, vectors);
    const Edge& edge = hidden(net.layers - 1);
    for (size_t w = 0; w < edge.varies.size(); w++)
      for (uint64_t left = edge.varies[w]; left; left &= left - 1) {
        const int i = 64 * w + __builtin_ctzll(left);
        for (int v = 0; v < vectors; v++) complements[size_t(i) * most + v] = other(edge.at[i][v]);
      }
  }

  // After `run`: where any row of the matrix holds, in `found` where that varies.
  Answer any_row(const Matrix& matrix, int vectors) {
    const Edge& edge = hidden(net.layers - 1);
    const int words = matrix.words();
    bool begun = false;
    for (int row = 0; row < matrix.rows; row++) {
      const int needed = matrix.threshold[row] - agreeing(matrix, row, edge);
      if (needed <= 0) return ALWAYS;
      int varying = 0;
      for (int w = 0; w < words; w++) varying += __builtin_popcountll(edge.varies[w] & matrix.among[row * words + w]);
      if (needed > varying) continue;
      own(matrix, row, edge, needed, varying, vectors, begun ? one.data() : found.data());
      if (begun)
        for (int v = 0; v < vectors; v++) found[v] = either(found[v], one[v]);
      begun = true;
    }
    if (!begun) return NEVER;
    return answer_of(found.data(), vectors);
  }

 private:
  void own(const Matrix& matrix, int row, const Edge& edge, int needed, int varying, int vectors, Bits* into) {
    std::vector<const Bits*>& element = elements;
    element.clear();
    const int words = matrix.words();
    for (int w = 0; w < words; w++) {
      const uint64_t weight = matrix.weight[row * words + w];
      for (uint64_t left = edge.varies[w] & matrix.among[row * words + w]; left; left &= left - 1) {
        const int bit = __builtin_ctzll(left), i = 64 * w + bit;
        element.push_back(weight >> bit & 1 ? edge.at[i] : complements.data() + size_t(i) * most);
      }
    }
    if (varying > MOST) return counted(element, std::vector<bool>(varying), needed, into, vectors);
    const int adders = next_compiled((varying + 1) / 2);
    element.resize(2 * adders, room.zeros.data());
    int64_t constant[COLUMNS];
    constants((int64_t(1) << columns_of(adders)) - needed, constant);
    ADDERS.own[adders](element.data(), constant, into, vectors);
  }
  std::vector<const Bits*> elements;
};
