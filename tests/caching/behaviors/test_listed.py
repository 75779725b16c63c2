"""The sixty behaviors of the reference: real views, many visitors, hours of traffic, the right verdict."""

from __future__ import annotations

import pytest

from tests.caching.behaviors import listed_pages, listed_people
from tests.caching.behaviors.behavior import BEHAVIORS, Behavior
from tests.caching.behaviors.conftest import Judged

pytestmark = pytest.mark.django_db  # the database is made for tests that say so

MODULES = (listed_pages.__name__, listed_people.__name__)
LISTED = [each for each in BEHAVIORS if each.view.__module__ in MODULES]


@pytest.mark.parametrize("each", LISTED, ids=lambda each: each.name)
def test_the_verdict_is_right(each: Behavior, judged: Judged) -> None:
    """Verdict, reasons, timeout, and what answers hang on."""
    advice = judged.advice(each)
    assert advice is not None
    told = (advice.verdict, advice.reasons, advice.timeout, advice.predicted, advice.evidence)
    assert advice.verdict in each.verdicts, told
    assert set(each.reasons) <= set(advice.reasons), told
    assert advice.evidence.get("attribute") == each.attribute or each.attribute is None, told
    if each.timeouts is not None:
        assert advice.timeout is not None
        assert each.timeouts[0] <= advice.timeout <= each.timeouts[1], told
