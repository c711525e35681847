"""Deliberate faults of the stages of feature maps and of levels of several bits, for their rows of the table."""

from __future__ import annotations

from fault import BUBBLE, LOCKED, READY, UNCLEARED, UNHELD, UNREGISTERED, VALID_RESET, Fault

REDUCING = ("pool", "pool_sum")  # several beats become one
SKIDDED = ("threshold_step", "mvlu", "scaled_scores")  # end in a skid
ON_THE_WIRE = (*REDUCING, "cut")  # their ready passes through
WINDOW_READY = "s_axis_tready = !kept || filled != FILL_WIDTH'(RING);"
SHIFTED = Fault("a vector cut by reset shifts the inputs", "mvu.sv", "col_fold      <= '0;", "")
ONE_BELOW = Fault(
    "a sum one below its threshold reaches it",
    "thresholding.sv",
    "= !lacking[WIDTH];",
    "= !lacking[WIDTH] || &lacking;",
)

MAP_FAULTS: dict[tuple[str, str], tuple[Fault, ...]] = {
    **{("stable", stage): (UNHELD,) for stage in SKIDDED},
    **{
        ("stable", stage): (Fault("an answer is overwritten", f"{stage}.sv", READY, "s_axis_tready = 1'b1;"),)
        for stage in ON_THE_WIRE
    },
    ("stable", "window"): (
        Fault(
            "reads on under a stall",
            "window.sv",
            "output_free = m_axis_tready || !m_axis_tvalid;",
            "output_free = 1'b1;",
        ),
    ),
    **{("emptied", stage): (UNCLEARED,) for stage in SKIDDED},
    **{
        ("emptied", stage): (Fault("an answer outlives the reset", f"{stage}.sv", VALID_RESET, ""),)
        for stage in ON_THE_WIRE
    },
    ("emptied", "window"): (
        Fault("a beat outlives the reset", "window.sv", VALID_RESET, ""),
        Fault("full rows outlive the reset", "window.sv", "filled      <= '0;", ""),
    ),
    **{("moving", stage): (LOCKED,) for stage in SKIDDED},
    **{
        ("moving", stage): (
            Fault(
                "ready waits for an answer to leave",
                f"{stage}.sv",
                READY,
                "s_axis_tready = m_axis_tready && m_axis_tvalid;",
            ),
        )
        for stage in ON_THE_WIRE
    },
    ("moving", "window"): (
        Fault("more rows are waited for than there is room", "window.sv", "filled >= wanted", "filled > wanted + 2"),
        Fault("a row is let in only where none is there", "window.sv", "filled != FILL_WIDTH'(RING)", "filled == '0"),
    ),
    **{("paced", stage): (BUBBLE,) for stage in ("threshold_step",)},
    ("paced", "mvlu"): (
        Fault(
            "one bank instead of two", "replay.sv", "s_axis_tready = !full[write_bank];", "s_axis_tready = full == '0;"
        ),
    ),
    ("paced", "scaled_scores"): (
        Fault(
            "a bubble after every score", "scaled_scores.sv", "valid_1 <= sums_valid;", "valid_1 <= take && !valid_1;"
        ),
    ),
    **{
        ("paced", stage): (
            Fault("a window takes a beat too many", f"{stage}.sv", "TAP_WIDTH'(TAPS - 1)", "TAP_WIDTH'(TAPS)"),
        )
        for stage in ("pool_sum",)
    },
    ("paced", "pool"): (
        Fault(
            "a bubble after every answer",
            "pool.sv",
            READY,
            "s_axis_tready = !m_axis_tvalid;",
        ),
    ),
    ("paced", "cut"): (
        Fault(
            "a bubble after every level",
            "cut.sv",
            "m_axis_tvalid <= s_axis_tvalid;",
            "m_axis_tvalid <= s_axis_tvalid && !m_axis_tvalid;",
        ),
    ),
    ("paced", "window_1d"): (
        Fault("room for one window instead of two", "window.sv", "RING       = 2 * K", "RING       = K"),
    ),
    ("answered", "pool"): (
        Fault("of equal taps the last, of others the first", "pool.sv", "level > largest", "level < largest"),
        Fault("the largest of the window before stays", "pool.sv", "(tap == '0 || level", "(level"),
        Fault("the next group's choice", "pool.sv", "{BITS{inverted[p]}}", "{BITS{invert[p]}}"),
        Fault("a window cut by reset shifts the next", "pool.sv", "tap           <= '0;", ""),
        Fault("a frame cut by reset shifts the groups", "pool.sv", "fold          <= '0;", ""),
    ),
    ("answered", "pool_of_bits"): (
        Fault("the largest of equal bits alone", "pool.sv", "(held | s_axis_tdata)", "(held & s_axis_tdata)"),
        Fault("the smallest is always 0", "pool.sv", "(held & s_axis_tdata) |", ""),
        Fault("the bit of the window before stays", "pool.sv", "tap == '0 ? s_axis_tdata :", ""),
    ),
    ("answered", "pool_sum"): (
        Fault("the sum of the window before stays", "pool_sum.sv", "(tap == '0 ? '0 : sum)", "sum"),
        Fault("a window cut by reset shifts the next", "pool_sum.sv", "tap           <= '0;", ""),
    ),
    ("answered", "cut"): (
        Fault("the first row's table for all", "cut.sv", "(row << IN_BITS) |", ""),
        Fault("tables run on under a stall", "cut.sv", "if (take)          fold", "if (s_axis_tvalid) fold"),
        Fault("a frame cut by reset shifts the tables", "cut.sv", "fold          <= '0;", ""),
    ),
    ("answered", "threshold_step"): (
        Fault(
            "a sum at its threshold does not reach it",
            "threshold_step.sv",
            "(!lacking[WIDTH])",
            "(lacking[WIDTH:0] - 1'b1 < 1 << WIDTH)",
        ),
        Fault("the new bit above the others", "threshold_step.sv", "((1 << DONE) - 1)) << 1;", "((1 << DONE) - 1));"),
        Fault("thresholds of the first row for all", "threshold_step.sv", "(ADDRESS_WIDTH'(row) << DONE) |", ""),
        Fault("a frame cut by reset shifts the rows", "threshold_step.sv", "row   <= '0;", ""),
    ),
    ("answered", "mvlu"): (
        Fault("levels lack what the highest is", "products.sv", "^ {X_BITS{~weight[i]}}", "& {X_BITS{weight[i]}}"),
        ONE_BELOW,
    ),
    ("answered", "mvlu_of_products"): (
        Fault("weights without their sign", "products.sv", "wire signed [W_BITS-1:0] w", "wire [W_BITS-1:0] w"),
        Fault("sums begin anew at every input", "mvu.sv", "first_1    <= first_0;", "first_1    <= 1'b1;"),
    ),
    ("answered", "mvlu_of_planes"): (
        Fault("the plane of the sign counts like others", "planes.sv", "~(w & x)", "(w & x)"),
        Fault("a plane at the wrong weight", "planes.sv", "(i / X_BITS + i % X_BITS)", "(i / X_BITS)"),
        Fault("inputs in the wrong order", "mvu.sv", "PLANES != 0 ? b % SIMD", "PLANES == 0 ? b % SIMD"),
    )[:2],
    ("answered", "scaled_scores"): (
        Fault(
            "the next row's offset", "scaled_scores.sv", "offset_2     <= offset_1;", "offset_2     <= offsets[fold];"
        ),
        Fault("the multiplier of the first row for all", "scaled_scores.sv", "multipliers[(fold)", "multipliers[(0)"),
    ),
    ("answered", "window"): (
        Fault("a ring of a place less", "window.sv", "ADDRESS_WIDTH'(WORDS - 1)", "ADDRESS_WIDTH'(WORDS - 2)"),
        Fault(
            "reads rows before they have come",
            "window.sv",
            "output_free && filled >= wanted",
            "output_free && filled != 0",
        ),
        Fault("every row of windows on its own rows", "window.sv", ": below;", ": next_line;"),
        Fault(
            "rows are given back that are still read",
            "window.sv",
            ": FILL_WIDTH'(STRIDE_DOWN);",
            ": FILL_WIDTH'(KERNEL_HEIGHT);",
        ),
        Fault("a reset leaves the reader in its row", "window.sv", "across      <= LEFTMOST;", ""),
    ),
    ("answered", "window_wide"): (
        Fault(
            "windows do not overlap",
            "window.sv",
            "place_start + ADDRESS_WIDTH'(STRIDE_RIGHT * FOLDS)",
            "place_start + ADDRESS_WIDTH'(2)",
        ),
        Fault("a row of windows too short", "window.sv", "X_WIDTH'(COLS_OUT - 1)", "X_WIDTH'(COLS_OUT - 2)"),
    ),
    ("answered", "window_1d"): (
        Fault("beside the map lies what the ring has", "window.sv", "beside ? pad : data", "data"),
        Fault(
            "the padding below is forgotten", "window.sv", "rows_begun <= (DOWN_WIDTH + 1)'(TOP + MAP_HEIGHT);", "1'b1;"
        ),
    ),
    **{("unchained", stage): (UNREGISTERED,) for stage in ("threshold_step",)},
    **{
        ("unchained", stage): (
            Fault("ready waits for valid", f"{stage}.sv", READY, READY.replace(";", " && s_axis_tvalid;")),
        )
        for stage in ON_THE_WIRE
    },
    **{
        ("unchained", stage): (
            Fault(
                "ready waits for valid",
                "replay.sv",
                "s_axis_tready = !full[write_bank];",
                "s_axis_tready = !full[write_bank] && s_axis_tvalid;",
            ),
        )
        for stage in ("mvlu", "scaled_scores")
    },
    ("unchained", "window"): (
        Fault(
            "ready waits for valid",
            "window.sv",
            WINDOW_READY,
            "s_axis_tready = s_axis_tvalid && (!kept || filled != FILL_WIDTH'(RING));",
        ),
    ),
}
