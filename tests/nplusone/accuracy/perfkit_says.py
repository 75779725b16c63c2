"""What perfkit says about a case, judged as the corpus' own tests judge it."""

from __future__ import annotations

from tests.nplusone.accuracy.marks import Marks, marks
from tests.nplusone.case import Case
from tests.nplusone.judge import count, describe, judge, watch


def judged(case: Case) -> Marks:
    """Run a case under ``perfkit.record()`` and judge the findings."""
    if not case.kind:
        findings = watch(case, case.run).findings
        # The catalogue allows an "info" where the case says so; silence is silence elsewhere.
        wrong = [
            each
            for each in findings
            if "warning" in (each.severity, case.severity) and each.kind not in case.also
        ]
        return marks(case, [*map(describe, findings)], flagged=bool(wrong))
    verdict = judge(case)
    found = verdict.found
    said = [*map(describe, verdict.record.findings), *verdict.lacks()]
    if found is None or (case.severity, found.severity) == ("warning", "info"):
        return marks(case, said)
    made = marks(
        case,
        said,
        flagged=True,
        path=not verdict.lacks("model", "path"),
        lines=not verdict.lacks("access", "origin"),
        text=not verdict.lacks("fix"),
        executed=found.fix and not verdict.lacks("executed") and _saves(case),
    )
    if case.fix is None and not found.fix:
        made.right["executed"] = None  # words: where the corpus asks for no code, none is missing
    return made


def _saves(case: Case) -> bool:
    return case.fixed is not None and count(case, case.fixed)[1] < count(case, case.run)[1]
