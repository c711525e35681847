"""What breaks the judges on a plain export breaks none of them on ours."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from ties import GROUPS, rows, table

pytestmark = pytest.mark.filterwarnings("ignore:.*mapping.TENSOR_TYPE:DeprecationWarning")  # finn-base's own


@pytest.fixture(scope="module")
def found():
    return list(rows(compiled=False))


def test_on_exact_ties_every_judge_of_a_plain_export_differs_from_torch(found):
    plain = [row for row in found if row.plain is not None]
    assert len(plain) >= 4
    for row in plain:
        assert min(row.plain["ties"], row.plain["ties, gain < 0"], row.plain["all kinds"]) > 0, row.judge


def test_judges_of_a_plain_export_do_not_even_agree_among_themselves(found):
    assert len({row.plain["ties"] for row in found if row.plain is not None}) > 2


def test_on_our_export_no_judge_differs_in_one_code(found):
    assert {row.judge: row.ours for row in found if row.ours} == {}


def test_the_table_has_a_line_for_every_judge_and_a_column_for_every_group(found):
    head, _, *lines = table(iter(found))
    assert len(lines) == len(found)
    assert {line.count("|") for line in [head, *lines]} == {len(GROUPS) + 3}
