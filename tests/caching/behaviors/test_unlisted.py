"""Behaviors that no list names, and that look safe: nobody must get what was made for another."""

from __future__ import annotations

import pytest

from tests.caching.behaviors import unlisted
from tests.caching.behaviors.behavior import BEHAVIORS, Behavior
from tests.caching.behaviors.conftest import Judged

#: The database is made for tests that say so; what is made once for the file is made in one process.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("test_unlisted")]

MODULES = (unlisted.__name__,)
#: Another page for one member, who has an entry of his own; for each of staff; by a team of members.
OWN_ENTRY = (62, 64, 80)
UNLISTED = [each for each in BEHAVIORS if each.view.__module__ in MODULES]


@pytest.mark.parametrize("each", UNLISTED, ids=lambda each: each.name)
def test_nobody_gets_what_is_not_his(each: Behavior, judged: Judged) -> None:
    """The verdict is one that shares nothing, or what may be shared."""
    advice = judged.advice(each)
    assert advice is not None
    told = (advice.verdict, advice.reasons, advice.timeout, advice.predicted, advice.evidence)
    if advice.verdict == "cache_page_vary" and "repeats_per_visitor" in advice.reasons:
        assert each.number in OWN_ENTRY, told
        assert "vary_on_cookie" in advice.code or "Authorization" in advice.code, told
        return  # kept for each by all that he sends of who he is
    assert advice.verdict in each.verdicts, told
    assert set(each.reasons) <= set(advice.reasons), told
    assert each.attribute in (None, advice.evidence.get("attribute")), told
