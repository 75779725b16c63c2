"""The sixty behaviors of the reference: real views, many visitors, hours of traffic, the right verdict."""

from __future__ import annotations

import pytest

from tests.caching.behaviors import listed_pages, listed_people
from tests.caching.behaviors.behavior import BEHAVIORS, Behavior
from tests.caching.behaviors.conftest import Judged
from tests.caching.behaviors.world import judge

#: The database is made for tests that say so; what is made once for the file is made in one process.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("test_listed")]

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


def _named(number: int) -> Behavior:
    return next(each for each in LISTED if each.number == number)


def test_what_a_monitor_asks_for_does_not_count(judged: Judged) -> None:
    """25: a HEAD every ten seconds leaves the ratio as it is without."""
    each = _named(25)
    advice = judged.advice(each)
    own = [event for event in judged.events["usual"] if event.route == f"/{each.route}"]
    without = judge([event for event in own if event.method == "GET"])[f"/{each.route}"]
    assert advice is not None
    assert advice.predicted is not None
    assert without.predicted is not None
    assert (advice.verdict, advice.timeout) == (without.verdict, without.timeout)
    ratios = advice.predicted.hit_ratio, without.predicted.hit_ratio
    assert abs(ratios[0] - ratios[1]) < 0.005


def test_a_site_that_saves_every_session_stores_nothing_for_members(judged: Judged) -> None:
    """28: around the whole site, where the cookie has been set; a decorator on the view does not see it."""
    own = [event for event in judged.events["saving"] if event.route == f"/{_named(28).route}"]
    for event in own:
        assert event.inner is not None
        assert event.outer is not None
        assert event.inner.stored
        assert event.outer.stored is not event.has_session


def test_compression_changes_no_verdict(judged: Judged) -> None:
    """46: as the page that is not compressed."""
    zipped, plain = judged.advice(_named(46)), judged.advice(_named(1))
    assert zipped is not None
    assert plain is not None
    assert (zipped.verdict, zipped.timeout) == (plain.verdict, plain.timeout)


def test_a_cache_that_cannot_hold_all_pages_has_fewer_hits(judged: Judged) -> None:
    """60: as many as fit, not as many as there are."""
    advice = judged.advice(_named(60))
    assert advice is not None
    assert advice.predicted is not None
    cells = {cell["timeout"]: cell["hit_ratio"] for cell in advice.table}
    assert advice.timeout is not None
    assert advice.predicted.hit_ratio < cells[advice.timeout] - 0.03
