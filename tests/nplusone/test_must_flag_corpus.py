"""The corpus itself: its lines exist, its fixed code gives the same for fewer statements."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.nplusone.case import Case, line_of
from tests.nplusone.judge import count, is_written
from tests.nplusone.must_flag import CASES
from tests.nplusone.shown import shown


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("case", shown(CASES))
def test_fixed_code_gives_the_same_for_fewer_statements(case: Case) -> None:
    """What a case expects to be saved can be saved, counted without perfkit."""
    for marker in filter(None, (case.access, case.origin, *case.callers)):
        line_of(marker)
    before, statements = count(case, case.run)
    again, as_many = count(case, case.run)
    assert (again, as_many) == (before, statements), "the code must be safe to run again"
    if case.fixed is not None:
        after, fewer = count(case, case.fixed)
        assert after == before
        assert fewer <= statements - case.saved
        assert not case.fix or is_written(case.fix, case)


def test_no_two_cases_bear_one_id() -> None:
    """An id names one case, in reports as in markers."""
    assert max(Counter(case.id for case in CASES).values()) == 1
