"""Does a report hold what ``--fail-on`` names?"""

from __future__ import annotations

from perfkit.report.compare.model import WORSE
from perfkit.report.model import ReportModel
from perfkit.report.wording import counted


def failures(model: ReportModel) -> list[str]:
    """Return one phrase for each condition of ``--fail-on`` that is met, in the order given.

    What is beyond the limit counts too; findings of routes not chosen do not.
    """
    told = (_phrase(model, name) for name in dict.fromkeys(model.options.fail_on))
    return [phrase for phrase in told if phrase]


def _phrase(model: ReportModel, name: str) -> str:
    if model.comparison is not None and name == "worse":
        routes = len(model.comparison.of(WORSE))
        return f"{counted(routes, 'route')} worse" if routes else ""
    if model.comparison is not None and name == "new":
        new = sum(each.certain for each in model.comparison.new_findings)
        return counted(new, "new finding") if new else ""
    found = model.found.get(name)
    if not found:
        return ""
    return counted(found, "finding") + ("" if name == "any" else f" of {name}")
