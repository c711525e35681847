// Frames in, recorded streams out. Included behind what `code.py` writes of a netlist.

// 0: every stream had its beats. 1: the design hangs. 2: a stream had a beat too many, and `complaint` says which. 3: a
// check failed: of `lanes` frames `lane` has other control than the first.
extern "C" int32_t gate_level_run(Run* run) {
  const auto state = std::make_unique<State>();
  State& s = *state;
  s.run = run;
  start(s);
  set_control(s, YES, NO, YES);
  for (int i = 0; i < 4; i++) same(s), own(s), commit(s);
  s.complaint = -1;  // before the reset a design may do as it likes
  Source source(*run);
  int64_t cycle = 0, progress = 0, due = 0, idle_until = 0;
  for (int i = 0; i < State::streams; i++) due += run->taps[i].due;
  Tap& last = run->taps[State::streams - 1];
  bool offered = false;
  while (idle_until == 0 || cycle < idle_until) {
    if (!offered && source.sent < run->beats) {
      set_data(s, source.next());
      offered = true;
    }
    set_control(s, NO, offered ? YES : NO, YES);
    same(s);
    own(s);
    cycle++;
    const uint64_t moved = record(s, run->taps);
    for (int i = 0; i < State::streams; i++) {
      if (!(moved >> i & 1)) continue;
      Tap& tap = run->taps[i];
      const int64_t each = tap.bits / tap.width;
      if (tap.seen++ >= tap.due) {
        run->complaint = i;
        return 2;
      }
      due--;
      if (tap.seen % each == 0) flush(*run, tap, tap.seen / each - 1);
      if (&tap == &last && tap.seen == each) run->first_frame = cycle;
      if (&tap == &last && tap.seen == tap.due) run->cycles = cycle;
    }
    const bool taken = offered && ready(s);
    if (taken) source.sent++, offered = false;
    commit(s);
    if (s.complaint >= 0) {
      run->complaint = s.complaint, run->lane = s.lane, run->cycles = cycle;
      return 3;
    }
    if (moved || taken) progress = cycle;
    if (idle_until == 0 && cycle - progress > run->patience) return 1;
    if (idle_until == 0 && due == 0) idle_until = cycle + run->listen;
  }
  return 0;
}
