"""What is asked for one statement: its text with line breaks, its values, how the database runs it."""

from __future__ import annotations

from typing import Any, Final

import sqlparse
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _

from perfkit.conf import get_settings
from perfkit.host import natively
from perfkit_panels.bounded import cut
from perfkit_panels.explaining import plan_of
from perfkit_panels.recent import Run, recent
from perfkit_panels.refusal import Refusal
from perfkit_panels.views import answer, number_of, stored, toolbar_view

PANEL: Final = "PerfkitQueriesPanel"
#: Characters that are laid out; sqlparse takes minutes over some longer ones.
LONGEST_LAID_OUT: Final = 4_100
#: Values shown of one run, and characters of one.
MOST_VALUES: Final = 50
MOST_VALUE: Final = 300


@toolbar_view("GET")
def statement(request: HttpRequest) -> HttpResponse:
    """Return one statement with line breaks, values masked."""
    shape = _shape(request.GET)["shape"]
    return answer("statement.html", {"sql": laid_out(shape)})


@toolbar_view("POST")
def values(request: HttpRequest) -> HttpResponse:
    """Return the values of some runs of a statement, from this process's memory."""
    runs = _runs(request.POST)
    shown = [
        {
            "sql": laid_out(run.sql),
            "values": _values(run),
            "is_kept": type(run.params) is tuple,
            "ms": run.duration_ms,
        }
        for run in runs
    ]
    return answer("values.html", {"runs": shown, "total": _shape(request.POST)["runs"]})


@toolbar_view("POST")
def explain(request: HttpRequest) -> HttpResponse:
    """Ask the database how it runs a statement: the slowest of its runs; nothing is run."""
    run = _runs(request.POST)[0]
    # SQLite waits for a disk, which greenlets must not wait for.
    return answer("plan.html", {"plan": natively(plan_of, run), "alias": run.alias})


def _shape(given: QueryDict) -> dict[str, Any]:
    number = number_of(given, "statement")
    shapes: list[dict[str, Any]] = stored(given, PANEL)["shapes"]
    if not 0 <= number < len(shapes):
        raise Refusal(_("This request has no such statement"))
    return shapes[number]


def _runs(given: QueryDict) -> list[Run]:
    if not get_settings().debug:
        raise Refusal(_("Values are kept only while DEBUG is true"))
    _shape(given)
    runs = list(recent.runs(str(given.get("request_id", "")), number_of(given, "statement")))
    if not runs:
        raise Refusal(
            _(
                "The values are gone: they are kept in the memory of the process that answered, and "
                "of its latest requests only. Load the page anew"
            )
        )
    return runs


def laid_out(sql: str) -> str:
    """Return a statement with line breaks, a very long one as it is."""
    if len(sql) > LONGEST_LAID_OUT:
        return cut(sql)
    made: str = sqlparse.format(sql, reindent=True, keyword_case="upper")
    return made


def _values(run: Run) -> list[str]:
    if type(run.params) is not tuple:
        return []
    return [cut(repr(value), MOST_VALUE) for value in run.params[:MOST_VALUES]]
