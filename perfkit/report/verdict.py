"""Does a report hold what ``--fail-on`` names?"""

from __future__ import annotations

from perfkit.report.model import ReportModel
from perfkit.report.wording import counted


def failures(model: ReportModel) -> list[str]:
    """Return one phrase for each condition of ``--fail-on`` that is met, in the order given.

    Findings beyond the limit count too; those of routes not chosen do not.
    """
    return [
        f"{counted(model.found[name], 'finding')} of {name}"
        if name != "any"
        else counted(model.found[name], "finding")
        for name in dict.fromkeys(model.options.fail_on)
        if model.found.get(name)
    ]
