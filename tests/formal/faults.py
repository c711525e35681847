"""Deliberate faults: for every row of the table at least one copy of the RTL that its proof must refute."""

from __future__ import annotations

from fault import BUBBLE, LOCKED, READY, UNCLEARED, UNHELD, UNREADY, UNREGISTERED, VALID_RESET, Fault
from map_faults import MAP_FAULTS
from member_faults import MEMBER_FAULTS

UNROLLED = ("dense", "dense_scores")
# End in a skid.
REGISTERED = ("skid", "binarize", "binarize_once", "scores", "mvtu", "mvtu_coded", "mvtu_turned", *UNROLLED)

_ONE_BANK = Fault(
    "one bank instead of two", "replay.sv", "s_axis_tready = !full[write_bank];", "s_axis_tready = full == '0;"
)
_STUCK_BANK = Fault("the writer never changes banks", "replay.sv", "write_bank       <= !write_bank;", "")
_WAITS = Fault(
    "ready waits for valid",
    "replay.sv",
    "s_axis_tready = !full[write_bank];",
    "s_axis_tready = !full[write_bank] && s_axis_tvalid;",
)
_UNROLLED_LOCKED = Fault(
    "ready waits for a frame to leave", "unrolled.sv", READY, "s_axis_tready = m_axis_tready && m_axis_tvalid;"
)
_UNROLLED_WAITS = Fault("ready waits for valid", "unrolled.sv", READY, READY.replace(";", " && s_axis_tvalid;"))
_UNROLLED_BUBBLE = Fault(
    "a bubble between the register rows",
    "unrolled.sv",
    "if (s_axis_tready) m_axis_tvalid <= s_axis_tvalid;",
    "if (s_axis_tready) m_axis_tvalid <= s_axis_tvalid && !m_axis_tvalid;",
)
_GROUPS = (
    Fault("the groups run on under a stall", "unrolled.sv", "if (s_axis_tready) ones", "ones"),
    Fault("a row of its last group only", "unrolled.sv", "group[g-1].total + ACC_WIDTH'(ones)", "ACC_WIDTH'(ones)"),
    Fault("a frame of before the reset comes out", "unrolled.sv", "if (rst)           m_axis_tvalid <= 1'b0;", ""),
)

FAULTS: dict[tuple[str, str], tuple[Fault, ...]] = {
    **{("stable", stage): (UNHELD,) for stage in REGISTERED},
    ("stable", "fifo"): (
        Fault("reads on under a stall", "fifo.sv", "(m_axis_tready || !m_axis_tvalid) && count != '0", "count != '0"),
    ),
    ("stable", "replay"): (
        Fault("plays on under a stall", "replay.sv", "output_free = m_axis_tready || !valid;", "output_free = 1'b1;"),
    ),
    ("stable", "dwc_up"): (Fault("a word is overwritten", "dwc_up.sv", READY, "s_axis_tready = 1'b1;"),),
    ("stable", "dwc_down"): (
        Fault("shifts under a stall", "dwc_down.sv", "else if (send) word", "else if (m_axis_tvalid) word"),
    ),
    ("stable", "argmax"): (Fault("a class is overwritten", "argmax.sv", READY, "s_axis_tready = 1'b1;"),),
    ("stable", "argmax_tree"): (
        Fault("rounds run on under a stall", "argmax_tree.sv", "if (s_axis_tready) valid", "valid"),
        Fault("a class is overwritten", "argmax_tree.sv", READY, "s_axis_tready = 1'b1;"),
    ),
    ("emptied", "skid"): (UNCLEARED, UNREADY),
    **{("emptied", stage): (UNCLEARED,) for stage in REGISTERED if stage != "skid"},
    ("emptied", "fifo"): (
        Fault("a beat outlives the reset", "fifo.sv", VALID_RESET, ""),
        Fault("a full buffer outlives the reset", "fifo.sv", "full          <= 1'b0;", ""),
    ),
    ("emptied", "replay"): (Fault("a full bank outlives the reset", "replay.sv", "full       <= '0;", ""),),
    ("emptied", "dwc_up"): (Fault("a word outlives the reset", "dwc_up.sv", VALID_RESET, ""),),
    ("emptied", "dwc_down"): (Fault("a word outlives the reset", "dwc_down.sv", VALID_RESET, ""),),
    ("emptied", "argmax"): (Fault("a class outlives the reset", "argmax.sv", VALID_RESET, ""),),
    ("emptied", "argmax_tree"): (
        Fault("a class outlives the reset", "argmax_tree.sv", "if (rst)           valid <= '0;", ""),
    ),
    **{("moving", stage): (LOCKED,) for stage in REGISTERED},
    ("moving", "fifo"): (
        Fault("full one beat too late", "fifo.sv", "count == COUNT_WIDTH'(DEPTH - 1)", "count == COUNT_WIDTH'(DEPTH)"),
        Fault("once full, full for ever", "fifo.sv", "full  <= write &&", "full  <= full || write &&"),
    ),
    ("moving", "replay"): (_STUCK_BANK,),
    ("moving", "dwc_up"): (
        Fault("ready waits for a word to leave", "dwc_up.sv", READY, "s_axis_tready = m_axis_tready && m_axis_tvalid;"),
    ),
    ("moving", "dwc_down"): (
        Fault(
            "ready waits for a word to leave",
            "dwc_down.sv",
            "!m_axis_tvalid || (m_axis_tready && last)",
            "send && last",
        ),
    ),
    ("moving", "argmax"): (
        Fault(
            "ready waits for a class to leave", "argmax.sv", READY, "s_axis_tready = m_axis_tready && m_axis_tvalid;"
        ),
    ),
    **{("moving", stage): (LOCKED, _UNROLLED_LOCKED) for stage in UNROLLED},
    ("moving", "argmax_tree"): (
        Fault(
            "ready waits for a class to leave",
            "argmax_tree.sv",
            READY,
            "s_axis_tready = m_axis_tready && m_axis_tvalid;",
        ),
    ),
    **{("paced", stage): (BUBBLE,) for stage in ("skid", "binarize", "binarize_once")},
    **{("paced", stage): (_UNROLLED_BUBBLE,) for stage in UNROLLED},
    **{("paced", stage): (_ONE_BANK,) for stage in ("replay", "scores", "mvtu", "mvtu_coded", "mvtu_turned")},
    ("paced", "fifo"): (
        Fault("a bubble after every beat", "fifo.sv", "(m_axis_tready || !m_axis_tvalid) && c", "!m_axis_tvalid && c"),
    ),
    ("paced", "dwc_up"): (
        Fault("a word takes a beat too many", "dwc_up.sv", "COUNT_WIDTH'(RATIO - 1)", "COUNT_WIDTH'(RATIO)"),
    ),
    ("paced", "dwc_down"): (
        Fault(
            "a bubble after every word",
            "dwc_down.sv",
            "m_axis_tvalid <= s_axis_tvalid;",
            "m_axis_tvalid <= s_axis_tvalid && !m_axis_tvalid;",
        ),
    ),
    ("paced", "argmax"): (
        Fault("a frame takes a score too many", "argmax.sv", "CLASS_WIDTH'(CLASSES - 1)", "CLASS_WIDTH'(CLASSES)"),
    ),
    ("paced", "argmax_tree"): (
        Fault(
            "a bubble after every frame",
            "argmax_tree.sv",
            "CLASS_WIDTH'({valid, s_axis_tvalid})",
            "CLASS_WIDTH'({valid, s_axis_tvalid && !valid[0]})",
        ),
    ),
    ("answered", "skid"): (
        Fault("the beat before a stall is lost", "skid.sv", "s_axis_tready ? s_axis_tdata : spare", "s_axis_tdata"),
        Fault(
            "the spare beat is doubled",
            "skid.sv",
            "<= take || !s_axis_tready;",
            "<= take || !s_axis_tready || m_axis_tvalid;",
        ),
        Fault("a full spare is forgotten", "skid.sv", "take || !s_axis_tready;", "take;"),
    ),
    ("answered", "fifo"): (
        Fault("a place too few in the ring", "fifo.sv", "ADDRESS_WIDTH'(DEPTH - 1)", "ADDRESS_WIDTH'(DEPTH - 2)"),
        Fault("a reset leaves the reader behind", "fifo.sv", "read_address  <= '0;", ""),
    ),
    ("answered", "replay"): (
        Fault("plays the bank that is being written", "replay.sv", "memory[{read_bank,", "memory[{write_bank,"),
        Fault("every vector once too few", "replay.sv", "read_time == TIME_WIDTH'(TIMES - 2);", "1'b1;"),
        Fault("a played vector is never given back", "replay.sv", "full[read_bank] <= 1'b0;", ""),
        Fault("a reset leaves half a vector played", "replay.sv", "read_beat  <= '0;", ""),
    ),
    ("answered", "dwc_up"): (
        Fault(
            "the first beat becomes the highest bits",
            "dwc_up.sv",
            "{s_axis_tdata, m_axis_tdata[M_WIDTH-1:S_WIDTH]}",
            "{m_axis_tdata[M_WIDTH-S_WIDTH-1:0], s_axis_tdata}",
        ),
        Fault("a word cut by reset shifts the next", "dwc_up.sv", "fill          <= '0;", ""),
    ),
    ("answered", "dwc_down"): (
        Fault("the highest bits go first", "dwc_down.sv", "word[M_WIDTH-1:0];", "word[S_WIDTH-1 -: M_WIDTH];"),
        Fault("a word cut by reset shifts the next", "dwc_down.sv", "sent          <= '0;", ""),
    ),
    ("answered", "argmax"): (
        Fault(
            "an equal score wins later", "argmax.sv", "best         <= s_axis_tdata;", "best <= s_axis_tdata - 1'b1;"
        ),
        Fault("the best of the frame before stays", "argmax.sv", "greater = index == '0 || ", "greater = "),
        Fault("a frame cut by reset shifts the next", "argmax.sv", "index         <= '0;", ""),
    ),
    ("answered", "argmax_tree"): (
        Fault(
            "the right one of two maxima wins",
            "argmax_tree.sv",
            "= lead[SCORE_WIDTH];",
            "= lead[SCORE_WIDTH] || lead == '0;",
        ),
        Fault(
            "the winner's score stays behind",
            "argmax_tree.sv",
            "greater ? node[2*n+1].score",
            "greater ? node[2*n].score",
        ),
        Fault("the rounds forget a stall", "argmax_tree.sv", "if (s_axis_tready) begin", "begin"),
        Fault("a round before the reset comes out", "argmax_tree.sv", "if (rst)           valid <= '0;", ""),
    ),
    ("answered", "binarize"): (
        Fault("a pixel at its threshold is dark", "binarize.sv", "]} >= threshold[", "]} > threshold["),
        Fault("a pixel waits through the reset", "binarize.sv", "valid <= 1'b0;", ""),
        Fault("a frame cut by reset shifts the thresholds", "binarize.sv", "fold  <= '0;", ""),
        Fault("thresholds run on under a stall", "binarize.sv", "if (take)          fold", "if (s_axis_tvalid) fold"),
    ),
    ("answered", "binarize_once"): (
        Fault("a pixel at its threshold is dark", "binarize.sv", "]} >= threshold[", "]} > threshold["),
        Fault(
            "every pixel at its neighbour's threshold",
            "binarize.sv",
            "threshold[p*",
            "threshold[(PE - 1 - p)*",
        ),
    ),
    ("answered", "scores"): (
        Fault("scores count what disagrees", "scores.sv", ".s_axis_tdata(score)", ".s_axis_tdata(~score)"),
    ),
    ("answered", "mvtu"): (
        Fault(
            "a sum at its threshold does not fire",
            "mvtu.sv",
            "!accumulators[p*ACC_WIDTH + ACC_WIDTH - 1]",
            "$signed(accumulators[p*ACC_WIDTH +: ACC_WIDTH]) > 0",
        ),
        Fault("plays the bank that is being written", "replay.sv", "memory[{read_bank,", "memory[{write_bank,"),
        Fault("the beat before a stall is lost", "skid.sv", "s_axis_tready ? s_axis_tdata : spare", "s_axis_tdata"),
    ),
    ("answered", "mvtu_tiny"): (
        Fault("a frame cut by reset leaves half a vector", "replay.sv", "write_beat <= '0;", ""),
    ),
    ("answered", "mvtu_coded"): (
        Fault("inputs come before their decoded weights", "mvu.sv", "x_1        <= x_0;", "x_1        <= x_data;"),
        Fault(
            "a vector waits for its codebook through the reset",
            "mvu.sv",
            "if (rst)          valid_0 <= 1'b0;\n      else if",
            "if",
        ),
    ),
    ("answered", "mvtu_turned"): (
        Fault(
            "a row reads on instead of back",
            "mvu.sv",
            "(middle_col ? PAIR_WIDTH'(1 - HALF) : PAIR_WIDTH'(1))",
            "PAIR_WIDTH'(1)",
        ),
        Fault("every imaginary input is inverted", "mvu.sv", "against = imaginary && second;", "against = imaginary;"),
    ),
    ("answered", "mvtu_turned_tiny"): (
        Fault("imaginary rows read as real ones", "mvu.sv", "(last_col && !last_pair)", "last_col"),
        Fault("a reset leaves an imaginary row", "mvu.sv", "imaginary <= 1'b0;", ""),
        Fault("a reset leaves the second of a pair", "mvu.sv", "second    <= 1'b0;", ""),
    ),
    ("answered", "dense"): (
        Fault(
            "a sum one below its threshold fires",
            "dense.sv",
            "!accumulators[r*ACC_WIDTH + ACC_WIDTH - 1]",
            "$signed(accumulators[r*ACC_WIDTH +: ACC_WIDTH]) >= -1",
        ),
        *_GROUPS,
    ),
    ("answered", "dense_scores"): (
        Fault("scores count what disagrees", "dense_scores.sv", ".s_axis_tdata(score)", ".s_axis_tdata(~score)"),
        *_GROUPS,
    ),
    **{("unchained", stage): (UNREGISTERED,) for stage in ("skid", "binarize", "binarize_once")},
    **{("unchained", stage): (UNREGISTERED, _UNROLLED_WAITS) for stage in UNROLLED},
    **{("unchained", stage): (_WAITS,) for stage in ("scores", "mvtu", "mvtu_coded", "mvtu_turned")},
    ("unchained", "fifo"): (
        Fault("a full buffer takes when one leaves", "fifo.sv", "= !full;", "= !full || m_axis_tready;"),
    ),
    ("unchained", "replay"): (
        _WAITS,
        Fault(
            "valid waits for ready", "replay.sv", "m_axis_tvalid = valid;", "m_axis_tvalid = valid && m_axis_tready;"
        ),
    ),
    ("unchained", "dwc_up"): (
        Fault("ready waits for valid", "dwc_up.sv", READY, READY.replace(";", " && s_axis_tvalid;")),
    ),
    ("unchained", "dwc_down"): (
        Fault("ready waits for valid", "dwc_down.sv", "= !m_axis_tvalid ||", "= s_axis_tvalid && !m_axis_tvalid ||"),
        Fault(
            "data waits for ready",
            "dwc_down.sv",
            "= word[M_WIDTH-1:0];",
            "= m_axis_tready ? word[M_WIDTH-1:0] : '0;",
        ),
    ),
    ("unchained", "argmax"): (
        Fault("ready waits for valid", "argmax.sv", READY, READY.replace(";", " && s_axis_tvalid;")),
    ),
    ("unchained", "argmax_tree"): (
        Fault("ready waits for valid", "argmax_tree.sv", READY, READY.replace(";", " && s_axis_tvalid;")),
    ),
    **MAP_FAULTS,
    **MEMBER_FAULTS,
}
