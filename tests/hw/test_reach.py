"""The benches reach every size that is shipped: nothing that a preset or the search makes is larger, or smaller, than
what a bench has simulated, in any parameter of any module, or in anything that a module computes of them.
"""

from __future__ import annotations

import pytest
from shipped import frames_out, shipped
from sizes import instances, ranges
from stage_cases import Framed, large_stages, stages

BOUNDS = {
    ("mvtu", "PE"): 66,
    ("mvu", "PE"): 66,
    ("rom", "WIDTH"): 784,
}
"""Where more cannot tell anything: lanes are copies of one another in a generate loop and nothing counts them. What
their number goes into, the width of a word of weights and of a beat, is reached by lanes that are wider. Icarus takes
time with the square of it."""
BENCHES = ranges([*stages(), *large_stages()])
SHIPPED = ranges([*shipped(), *(Framed(f"tlast_{beats}", 1, beats) for beats in sorted(frames_out()))])


@pytest.mark.parametrize(("module", "number"), SHIPPED)
def test_no_shipped_module_is_larger_or_smaller_than_in_a_bench(module, number):
    there, here = SHIPPED[module, number], BENCHES.get((module, number), range(0))
    assert here.start <= there.start
    largest = min(there.stop - 1, BOUNDS.get((module, number), there.stop))
    assert largest < here.stop, f"up to {there.stop - 1} is shipped, and the benches end at {here.stop - 1}"


def test_a_bound_stands_only_where_something_larger_is_shipped():
    assert [key for key, bound in BOUNDS.items() if SHIPPED[key].stop - 1 <= bound] == []


def test_sizes_of_inner_modules_are_read_out_of_the_rtl():
    (stage,) = (stage for stage in stages() if stage.name == "mvtu_8x98_pe4_simd49")
    inside = dict(instances(stage))
    assert (
        inside["mvu"].items() >= {"ACC_WIDTH": 8, "ROW_FOLDS": 2, "COL_FOLDS": 2, "FOLDS": 4, "COUNT_WIDTH": 6}.items()
    )
    assert inside["replay"].items() >= {"WIDTH": 49, "BEATS": 2, "TIMES": 2}.items()
    assert inside["planes"].items() >= {"SIMD": 49, "PLANES": 1, "COUNT_WIDTH": 6}.items()
    assert "products" not in inside  # its branch is not generated
    assert inside["popcount"].items() >= {"WIDTH": 49, "LEAVES": 17}.items()
    assert inside["skid"] == {"WIDTH": 4}
