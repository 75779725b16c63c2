"""Every shape that must be flagged is, with the right root, path, lines and fix, and the fix holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from perfkit.analysis import analyze
from perfkit.conf import get_settings
from perfkit.record import RequestRecord
from tests.nplusone.case import Case
from tests.nplusone.judge import calls, in_corpus, judge, paths, watch
from tests.nplusone.must_flag import CASES
from tests.nplusone.shown import shown


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("case", shown(CASES))
def test_is_flagged_with_its_lines_and_a_fix_that_holds(case: Case) -> None:
    """The finding is as expected; its fix, written, gives equal results for as many fewer statements."""
    if faults := judge(case).lacks():
        pytest.fail("\n".join([f"{case.id}, {case.shape}", *faults]), pytrace=False)


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("case", shown(CASES))
def test_is_told_alike_whichever_statement_was_slow(case: Case) -> None:
    """What a finding is and what it asks for do not hang on which of its statements took longest."""
    record = watch(case, case.run)
    ranks = range(len(record.queries))
    assert said(record, list(ranks)) == said(record, list(reversed(ranks)))


def said(record: RequestRecord, costs: list[int]) -> list[Any]:
    """Analyze a record as if its statements had taken so long, in microseconds."""
    queries = tuple(
        query._replace(duration_ms=cost / 1000)
        for query, cost in zip(record.queries, costs, strict=True)
    )
    again = analyze(replace(record, queries=queries, findings=()), get_settings())
    return sorted(
        (
            finding.fingerprint,
            finding.kind,
            finding.severity,
            finding.model,
            sorted(paths(finding.path)),
            finding.count,
            finding.saved,
            sorted(calls(finding.fix)),
            finding.loop is None or in_corpus(finding.loop) or f"{finding.loop} does not loop",
        )
        for finding in again.findings
    )
