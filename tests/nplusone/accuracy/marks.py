"""The marks that a tool gets for one case, and how each of them is judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.nplusone.accuracy.alerts import Alert, steps
from tests.nplusone.accuracy.written import saves
from tests.nplusone.case import Case, line_of

#: Kinds of finding of which "unused eager load" is another tool's word.
_UNUSED = {"wasted_prefetch", "unused_eager_load"}

#: Each mark and how it is judged, in the order of the tables.
ASPECTS = {
    "flagged": "Of the cases that must be flagged, those with an alert on them: for perfkit a finding"
    " of the expected kind and severity, for the others any alert on repeated statements (on wasted"
    " eager loads, where that is the case).",
    "path": "The right relation or field is named: by perfkit the root model and the whole path from"
    " there, by the others the last name of each expected path, on any model.",
    "lines": "The right line is named: by perfkit the line that asked and the line that evaluated"
    " the root queryset, by the others the line that asked.",
    "text": "The suggested code names the right methods and relations on the right model.",
    "executed": "The suggested code works: perfkit's is found in the case's mended code (which also"
    " does what the message says of the line that asked, where it says anything), and that gives an"
    " equal result for fewer statements, as many fewer as promised; the others', where it is a call"
    " that a queryset takes (`select_related`, `prefetch_related`), was applied to the case's"
    " querysets of the model that it names, and gave an equal result for fewer statements.",
}


@dataclass(slots=True)
class Marks:
    """What a tool made of a case.

    Attributes:
        id: the case's.
        shape: the case's.
        must_flag: it must be flagged; else it must not.
        right: for each of ``ASPECTS`` whether it is right; None where it is not asked.
        said: the tool's words.
        crash: the exception that the tool, or the code under it, ended in.
        skipped: why the case was not run.
    """

    id: str
    shape: str
    must_flag: bool
    right: dict[str, bool | None]
    said: Sequence[str] = ()
    crash: str = ""
    skipped: str = ""


def asked(case: Case) -> dict[str, bool]:
    """Tell which marks a case gives: not each has a path, a line or a fix in code."""
    must_flag = bool(case.kind)
    return {
        "flagged": True,
        "path": must_flag and bool(case.path),
        "lines": must_flag and case.access is not None,
        "text": must_flag and bool(case.fix),
        "executed": must_flag and case.fixed is not None and case.fix != "",
    }


def marks(case: Case, said: Sequence[str] = (), **right: Any) -> Marks:
    """Make the marks of a case; what is not given is wrong, what is not asked is None."""
    wanted = asked(case)
    return Marks(
        case.id,
        case.shape,
        bool(case.kind),
        {name: bool(right.get(name)) if wanted[name] else None for name in ASPECTS},
        said,
    )


def of_alerts(case: Case, alerts: Iterable[Alert]) -> Marks:
    """Judge what a tool other than perfkit said about a case."""
    said = list(alerts)
    near = [alert for alert in said if _is_near(alert, case)]
    if not near:
        return marks(case, [alert.text for alert in said])
    wanted, offered = asked(case), {step for alert in near for step in alert.steps}
    named = {_plain(alert.name) for alert in near}
    hops = {_plain(path.rpartition("__")[2]) for path in (case.path or "").split(", ")}
    return marks(
        case,
        [alert.text for alert in said],
        flagged=True,
        path=hops <= named,
        lines=wanted["lines"] and line_of(str(case.access)) in {alert.line for alert in near},
        text=wanted["text"] and steps(str(case.fix), case.model) <= offered,
        executed=wanted["executed"] and saves(case, offered),
    )


def _is_near(alert: Alert, case: Case) -> bool:
    if case.kind:
        return alert.kind != "unused_eager_load" or case.kind in _UNUSED
    # Where the catalogue allows a hint, the alert of a tool that knows no hints passes for one.
    return case.severity != "info" and alert.kind not in case.also


def _plain(name: str) -> str:
    """Name a relation without ``_set``: the accessor and the name in lookups are equally right."""
    return name.removesuffix("_set")
