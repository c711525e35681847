// Frames in, recorded streams out. Included behind what `code.py` writes of a netlist.

// What is the same for all frames, a cycle after the other. Where no frame can change when beats pass, it repeats: once
// the design stands at the start of a frame as it stood at the start of one before, the cycles between are played again.
constexpr int64_t FRAMES_KEPT = 16;  // among which two have to be alike

class Control {
  static constexpr int64_t words = (Same::shared + 63) / 64;
  struct Past {
    Same as;
    int64_t sent, cycles;
  };
  const int64_t beats, each;                // of all frames of a lane, of a frame
  const std::unique_ptr<Same> now = std::make_unique<Same>();
  std::vector<std::unique_ptr<Past>> past;  // at the first cycles of some frames
  std::vector<uint64_t> kept;               // of every cycle: a bit a truth
  std::vector<uint64_t> row = std::vector<uint64_t>(64 * words + 64);
  int64_t sent = 0;
  int64_t first = 0, at = 0, end = 0;       // of what is played: cycles among those that are kept
  int64_t period = 0;                       // its beats
  bool offered = false, playing = false;

  void frame_begins() {
    if (playing) {
      playing = at != first || beats - sent >= period;
      return;
    }
    if (!Same::certain || sent / each > FRAMES_KEPT) return;
    for (const auto& before : past)
      if (!std::memcmp(now.get(), &before->as, sizeof(Same)) && beats - sent >= sent - before->sent) {
        playing = true, period = sent - before->sent;
        first = at = before->cycles, end = kept.size() / std::max<int64_t>(1, words);
        return;
      }
    past.push_back(std::make_unique<Past>());
    std::memcpy(static_cast<void*>(&past.back()->as), now.get(), sizeof(Same));
    past.back()->sent = sent, past.back()->cycles = kept.size() / std::max<int64_t>(1, words);
  }

 public:
  Control(const Run& run) : beats(run.beats), each(run.beats / run.frames) {
    start(*now);
    set_control(now->u, YES, NO, YES);
  }
  const uint64_t* reset() {
    same(*now);
    return now->u;
  }
  bool fresh = false;  // whether another beat is offered than in the cycle before

  // The truths of the cycle.
  const uint64_t* next() {
    if (playing && at == first && sent == beats) playing = false;
    fresh = !offered && sent < beats;
    if (fresh && sent % each == 0) frame_begins();
    if (fresh) sent++, offered = true;
    if (playing) {
      for (int64_t i = 0; i < words; i++) spread<64>(row.data() + 64 * i, kept[at * words + i]);
      return row.data();
    }
    set_control(now->u, NO, offered ? YES : NO, YES);
    same(*now);
    return now->u;
  }
  // The edge behind it. takes: whether the beat that was offered went in.
  bool edge(bool takes) {
    if (playing) {
      if (++at == end) at = first;
    } else {
      if (Same::certain && sent / each <= FRAMES_KEPT)
        for (int64_t i = 0; i < words; i++) kept.push_back(gathered(now->u + 64 * i));
      commit_same(*now);
    }
    const bool taken = offered && takes;
    if (taken) offered = false;
    return taken;
  }
};

// 0: every stream had its beats. 1: the design hangs. 2: a stream had a beat too many, and `complaint` says which. 3: a
// check failed: lane `lane` has other control than the first of its group. 4: groups differ.
extern "C" int32_t gate_level_run(Run* run) {
  const int64_t groups = (run->lanes + LANES - 1) / LANES;
  const auto control = std::make_unique<Control>(*run);
  const auto own_states = std::make_unique<Own[]>(groups);
  std::vector<std::unique_ptr<Source>> source;
  for (int64_t group = 0; group < groups; group++) {
    Own& o = own_states[group];
    source.push_back(std::make_unique<Source>(*run, group * LANES));
    o.first_lane = group * LANES, o.lanes = source[group]->lanes;
    start(o);
  }
  for (int cycle = 0; cycle < 4; cycle++) {
    const uint64_t* u = control->reset();
    for (int64_t group = 0; group < groups; group++) own(u, own_states[group]), commit_own(u, own_states[group]);
    control->edge(false);
  }
  for (int64_t group = 0; group < groups; group++) own_states[group].complaint = -1;  // before, it may do as it likes
  int64_t cycle = 0, progress = 0, due = 0, idle_until = 0;
  for (int i = 0; i < Same::streams; i++) due += run->taps[i].due;
  const Tap& last = run->taps[Same::streams - 1];
  while (idle_until == 0 || cycle < idle_until) {
    const uint64_t* u = control->next();
    uint64_t passed = 0, taken = 0;
    for (int64_t group = 0; group < groups; group++) {
      Own& o = own_states[group];
      if (control->fresh) set_data(o, source[group]->next());
      own(u, o);
      const uint64_t moves = moved(u, o), takes = ready(u, o);
      if (group && (moves != passed || takes != taken)) return 4;
      passed = moves, taken = takes;
      record(u, o, moves, run->taps, group);
      for (uint64_t left = moves; left; left &= left - 1) {
        const int64_t i = __builtin_ctzll(left);
        const Tap& tap = run->taps[i];
        const int64_t each = tap.bits / tap.width;
        if (tap.seen >= tap.due) {
          run->complaint = i;
          return 2;
        }
        if ((tap.seen + 1) % each == 0) flush(*run, tap, tap.seen / each, group);
      }
      commit_own(u, o);
    }
    cycle++;
    for (uint64_t left = passed; left; left &= left - 1) run->taps[__builtin_ctzll(left)].seen++, due--;
    if (passed >> (Same::streams - 1) & 1) {
      if (last.seen == last.bits / last.width) run->first_frame = cycle;
      if (last.seen == last.due) run->cycles = cycle;
    }
    if (control->edge(taken) || passed) progress = cycle;
    for (int64_t group = 0; group < groups; group++)
      if (const Own& o = own_states[group]; o.complaint >= 0) {
        run->complaint = o.complaint, run->lane = o.lane, run->cycles = cycle;
        return 3;
      }
    if (idle_until == 0 && cycle - progress > run->patience) return 1;
    if (idle_until == 0 && due == 0) idle_until = cycle + run->listen;
  }
  return 0;
}
