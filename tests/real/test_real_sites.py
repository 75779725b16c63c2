"""What one middleware line does to a site that nobody here wrote: nothing, but tell where it loops."""

from collections.abc import Iterable
from typing import Any

import pytest
from loops import Loop
from masks import plain
from sites import SITES, Site
from visit import Visit, visit

LOOPS = [
    pytest.param(site, loop, id=f"{site.name}: {loop.inside or loop.text} on {loop.route}")
    for site in SITES
    for loop in site.loops
]


@pytest.fixture(params=SITES, ids=lambda site: site.name)
def found(request: pytest.FixtureRequest) -> Visit:
    """The crawls of each site in turn, made once."""
    return visit(request.param)


def test_no_page_changed(found: Visit) -> None:
    """Status, every header and body are those of the site without perfkit."""
    changed = [
        f"{before.method} {before.path} as {before.visitor}"
        for before, after in zip(found.without, found.within, strict=True)
        if plain(before) != plain(after)
    ]
    assert changed == []


def test_the_crawl_saw_the_site(found: Visit) -> None:
    """The comparison is worth something: many kinds of page, most of them real ones."""
    answered = [answer.status for answer in found.without]
    assert len(found.independent()) >= 30
    assert answered.count(200) >= 0.85 * len(answered)


def test_every_request_is_reported_once(found: Visit) -> None:
    """The report's requests are those sent, in total and for each route."""
    sent = len(found.counted)
    assert found.report["totals"]["requests"] == sent
    assert requests(found.reported().items()) == requests(found.independent().items())


def test_statements_equal_the_independent_count(found: Visit) -> None:
    """Each route ran as many statements, and opened and marked as many transactions, as SQLite itself saw."""
    assert found.reported() == found.independent()
    counted = sum(count.statements for count in found.independent().values())
    assert found.report["totals"]["statements"] == counted


@pytest.mark.parametrize(("site", "loop"), LOOPS)
def test_a_loop_known_from_reading_is_found(site: Site, loop: Loop) -> None:
    """The report names the loop's file and line and its route, and saves at least what one page loses."""
    place = (loop.file, loop.line(site.packages))
    findings = [finding for finding in visit(site).report["findings"] if is_at(finding, place)]
    matching = [
        finding
        for finding in findings
        if finding["kind"] == loop.kind
        and finding["total_saved"] >= loop.statements - 1
        and loop.route in {route["route"] for route in finding["routes"]}
    ]
    assert matching, f"{place} on {loop.route}: found {findings}"


def is_at(finding: dict[str, Any], place: tuple[str, int]) -> bool:
    """Tell whether a finding names this file and line."""
    access = finding["access"] or {"file": "", "line": 0}
    return (access["file"], access["line"]) == place


def requests(counts: Iterable[tuple[tuple[str, str], Any]]) -> dict[tuple[str, str], int]:
    """Keep the requests of each route."""
    return {key: count.requests for key, count in counts}
