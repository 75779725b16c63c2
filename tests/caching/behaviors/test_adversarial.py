"""Views made to look safe: the verdicts that are safe were written down before any was judged."""

from __future__ import annotations

import pytest

from tests.caching.behaviors import adversarial
from tests.caching.behaviors.behavior import BEHAVIORS, Behavior
from tests.caching.behaviors.conftest import Judged

#: The database is made for tests that say so; what is made once for the file is made in one process.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("test_adversarial")]

MODULES = (adversarial.__name__,)
#: What these hang on is in the cookie that the key is made of: a user's number, or a cookie's own value.
BY_COOKIE = (123, 134, 139, 158)
MADE = [each for each in BEHAVIORS if each.view.__module__ in MODULES]


@pytest.mark.parametrize("each", MADE, ids=lambda each: each.name)
def test_nobody_gets_what_is_not_his(each: Behavior, judged: Judged) -> None:
    """The verdict is one that shares nothing, or only what may be shared."""
    advice = judged.advice(each)
    assert advice is not None
    told = (advice.verdict, advice.reasons, advice.timeout, advice.predicted, advice.evidence)
    if advice.verdict == "cache_page_vary" and "repeats_per_visitor" in advice.reasons:
        # Kept for each by all that he sends of who he is: safe, if not what was written down.
        assert each.number in BY_COOKIE, told
        assert "vary_on_cookie" in advice.code or "Authorization" in advice.code, told
        return
    assert advice.verdict in each.verdicts, told
    assert set(each.reasons) <= set(advice.reasons), told
