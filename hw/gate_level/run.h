// Frames in, recorded streams out. Included behind what `code.py` writes of a netlist.

// 0: every stream had its beats. 1: the design hangs. 2: a stream had a beat too many, and `complaint` says which. 3: a
// check failed: lane `lane` has other control than the first of its group. 4: groups differ.
extern "C" int32_t gate_level_run(Run* run) {
  const int64_t groups = (run->lanes + LANES - 1) / LANES;
  const auto same_state = std::make_unique<Same>();
  const auto own_states = std::make_unique<Own[]>(groups);
  Same& s = *same_state;
  std::vector<std::unique_ptr<Source>> source;
  start(s);
  for (int64_t group = 0; group < groups; group++) {
    Own& o = own_states[group];
    source.push_back(std::make_unique<Source>(*run, group * LANES));
    o.first_lane = group * LANES, o.lanes = source[group]->lanes;
    start(o);
  }
  set_control(s, YES, NO, YES);
  for (int cycle = 0; cycle < 4; cycle++) {
    same(s);
    for (int64_t group = 0; group < groups; group++) own(s, own_states[group]), commit_own(s, own_states[group]);
    commit_same(s);
  }
  s.complaint = -1;  // before the reset a design may do as it likes
  int64_t cycle = 0, progress = 0, due = 0, idle_until = 0, sent = 0;
  for (int i = 0; i < Same::streams; i++) due += run->taps[i].due;
  const Tap& last = run->taps[Same::streams - 1];
  bool offered = false;
  while (idle_until == 0 || cycle < idle_until) {
    const bool fresh = !offered && sent < run->beats;
    if (fresh) sent++, offered = true;
    set_control(s, NO, offered ? YES : NO, YES);
    same(s);
    uint64_t moved = 0, taken = 0;
    for (int64_t group = 0; group < groups; group++) {
      Own& o = own_states[group];
      if (fresh) set_data(o, source[group]->next());
      own(s, o);
      const uint64_t moves = record(s, o, run->taps, group), takes = ready(s, o);
      if (group && (moves != moved || takes != taken)) return 4;
      moved = moves, taken = takes;
      for (uint64_t left = moved; left; left &= left - 1) {
        const int64_t i = __builtin_ctzll(left);
        const Tap& tap = run->taps[i];
        const int64_t each = tap.bits / tap.width;
        if (tap.seen >= tap.due) {
          run->complaint = i;
          return 2;
        }
        if ((tap.seen + 1) % each == 0) flush(*run, tap, tap.seen / each, group);
      }
      commit_own(s, o);
    }
    cycle++;
    for (uint64_t left = moved; left; left &= left - 1) run->taps[__builtin_ctzll(left)].seen++, due--;
    if (moved >> (Same::streams - 1) & 1) {
      if (last.seen == last.bits / last.width) run->first_frame = cycle;
      if (last.seen == last.due) run->cycles = cycle;
    }
    if (offered && taken) offered = false, progress = cycle;
    commit_same(s);
    if (s.complaint >= 0) {
      run->complaint = s.complaint, run->lane = s.lane, run->cycles = cycle;
      return 3;
    }
    if (moved) progress = cycle;
    if (idle_until == 0 && cycle - progress > run->patience) return 1;
    if (idle_until == 0 && due == 0) idle_until = cycle + run->listen;
  }
  return 0;
}
