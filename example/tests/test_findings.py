"""perfkit reports for each page what the list of pages says: that, and nothing else."""

from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from shop.showcase import PAGES

import perfkit

EXAMPLE = Path(__file__).parents[1]


def recorded(client, page):
    """Request a page, read it to its end, and return the record and an independent count."""
    with CaptureQueriesContext(connection) as captured, perfkit.record() as record:
        response = client.get(page.url)
        b"".join(response)
    assert response.status_code == page.status
    return record, len(captured)


def line_of(expected):
    """Return the number of the only line of the file that holds the expected code."""
    lines = (EXAMPLE / expected.file).read_text().splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if expected.code in line]
    return number


@pytest.mark.parametrize("visitor", [None, "admin"], ids=["anonymous", "admin"])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.url)
def test_page_reports_what_the_list_says(page, visitor, client, log_in, settings):
    """Kind, model, path, fix, statements and the line are as listed; other pages are silent."""
    slow = page.finding is not None and page.finding.kind == "slow_query"
    # The test's data is small and its machine may be busy: only the slow page may count as slow.
    settings.PERFKIT = {**settings.PERFKIT, "SLOW_QUERY_MS": 0.001 if slow else 1_000_000.0}
    visitor = "admin" if page.staff_only else visitor
    record, captured = recorded(log_in(client, visitor), page)
    assert record.statements == captured

    if page.finding is None:
        assert record.findings == ()
        return
    expected = page.finding
    (finding,) = record.findings
    assert finding.kind == expected.kind
    assert finding.count == expected.count
    assert expected.fix in finding.fix
    if expected.model:
        assert (finding.model, finding.path) == (expected.model, expected.path)
    assert finding.access.file.endswith(expected.file)
    assert finding.access.line == line_of(expected)
    assert finding.access.function.rpartition(".")[2] == expected.function


def test_well_made_pages_run_few_statements(client, log_in):
    """The pages without a finding are cheap for a reason that can be counted."""
    statements = {
        page.url: recorded(log_in(client, None), page)[0].statements
        for page in PAGES
        if page.finding is None and not page.staff_only
    }
    assert statements == {
        "/": 0,
        "/catalog/": 3,
        "/bestsellers/": 3,
        "/for-you/": 1,
        "/products/new/": 1,
        "/live/": 4,
        "/export/order-lines.csv": 1,
        "/api/products/": 1,
        "/broken/": 1,
    }


def test_cached_page_runs_no_statement_the_second_time(client, db):
    """A hit of cache_page is a request without statements, and perfkit sees the hit."""
    (page,) = [page for page in PAGES if page.url == "/products/new/"]
    first, _ = recorded(client, page)
    second, _ = recorded(client, page)
    assert (first.statements, second.statements) == (1, 0)
    assert sum(call.misses for call in first.cache_calls) > 0
    assert sum(call.misses for call in second.cache_calls) == 0
    assert sum(call.hits for call in second.cache_calls) > 0
