"""What django-query-doctor says while a case runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from query_doctor.context_managers import diagnose_queries
from query_doctor.types import IssueType, Prescription, Severity

from tests.nplusone.accuracy.alerts import Alert, Step, line

#: Tips on single statements (wide rows, indexes, joins) say nothing about repeated ones: they come
#: with every case, those that must stay silent too, and count neither for it nor against it.
_REPEATS = {
    IssueType.N_PLUS_ONE: "n_plus_one",
    IssueType.SERIALIZER_METHOD_FIELD: "n_plus_one",
    IssueType.WRITE_N_PLUS_ONE: "write_loop",
    IssueType.DUPLICATE_QUERY: "duplicate_query",
}
_WRITES = {
    "insert": ("bulk_create",),
    "update": ("bulk_update", "update"),
    "delete": ("filter", "delete"),
}


def says(run: Callable[[], Any]) -> list[Alert]:
    """Run the code and return query-doctor's prescriptions on repeated statements."""
    with diagnose_queries() as report:
        run()
    return [
        Alert(
            f"{each.description}: {each.fix_suggestion}",
            str(each.extra.get("field") or ""),
            each.callsite and line(each.callsite.filepath, each.callsite.line_number),
            tuple(_steps(each)),
            _REPEATS[each.issue_type],
        )
        for each in report.prescriptions
        if each.issue_type in _REPEATS and each.severity is not Severity.INFO
    ]


def _steps(said: Prescription) -> Iterator[Step]:
    model = str(said.extra.get("model") or "").rpartition(".")[2]
    strategy = said.extra.get("strategy")
    if strategy in {"select_related", "prefetch_related"}:
        yield Step(model, strategy, str(said.extra["field"]))
    elif strategy == "bulk_fetch":
        yield Step(model, "in_bulk")
        yield Step(model, "filter")
    for method in _WRITES.get(str(said.extra.get("statement")), ()):
        yield Step(model, method)
