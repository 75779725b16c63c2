"""What one middleware line does to a site that nobody here wrote: nothing, but tell where it loops."""

from collections.abc import Iterable
from typing import Any

import pytest
from loops import SILENT, Loop
from masks import plain
from mends import MENDS, Mend, compare
from repeats import grouped, witnessed
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


@pytest.fixture(params=SITES, ids=lambda site: site.name)
def site(request: pytest.FixtureRequest) -> Site:
    """Each site in turn, built and seeded."""
    visit(request.param)
    return request.param


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
    """A finding on its route names the loop's line, root model and path, and has all of its statements but one."""
    place = f"{loop.file}:{loop.line(site.packages)}"
    findings = [
        finding
        for request in witnessed(site)
        if request["route"] == loop.route
        for finding in request["findings"]
    ]
    matching = [
        finding
        for finding in findings
        if finding["kind"] == loop.kind
        and loop.model in ("", finding["model"])
        and statements_at(finding, place, loop.path) >= loop.statements - 1
    ]
    assert matching, f"{place} on {loop.route}: found {findings}"


def statements_at(finding: dict[str, Any], place: str, path: str | None) -> int:
    """Add up a finding's statements that were asked at a line, for a path."""
    parts = finding["parts"] or [(finding["path"], finding["count"], finding["access"])]
    return sum(
        count
        for part, count, access in parts
        if access.partition(" ")[0] == place and path in (None, part)
    )


def test_every_repeat_is_a_finding_or_rightly_silent(site: Site) -> None:
    """What ran five times or more in a request, told without perfkit, is in a finding, but for what is listed."""
    untold = {
        (route, text, stack[0])
        for (route, text, stack), members in grouped(witnessed(site)).items()
        if not all(repeat["findings"] for _, repeat in members)
    }
    listed = [
        (route, text, line)
        for route, text, line in untold
        for silent in SILENT
        if route == silent.route and silent.table in text and line.startswith(silent.file)
    ]
    assert untold == set(listed)


@pytest.mark.parametrize(
    "mend", [mend for mend in MENDS if mend.by == "fix"], ids=lambda mend: mend.name
)
def test_a_fix_saves_what_was_promised(mend: Mend) -> None:
    """Written into the site's own code, it leaves the page as it was and saves as many statements as the finding said."""
    site = next(site for site in SITES if site.name == mend.site)
    promised = [
        finding["saved"]
        for request in witnessed(site)
        if request["path"] == mend.page
        for finding in request["findings"]
        if finding["fix"] and finding["fix"] in mend.new
    ]
    effect = compare(mend)
    before, after = effect.statements
    assert effect.same
    assert before - after in promised


def requests(counts: Iterable[tuple[tuple[str, str], Any]]) -> dict[tuple[str, str], int]:
    """Keep the requests of each route."""
    return {key: count.requests for key, count in counts}
