"""Findings of one captured request as its page shows them, with the code as it was captured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from perfkit.profiling.capture import Capture
from perfkit.report.html.kept import number
from perfkit.report.wording import duration, printable, shortened
from perfkit.statement import parse
from perfkit.views.names import short


@dataclass(frozen=True, slots=True)
class Place:
    """A line of code: its part in the finding, where it is, what stood there at the capture."""

    role: str
    where: str
    code: str


@dataclass(frozen=True, slots=True)
class Found:
    """One finding, every text of it printable; ``edit`` is code to write, else ``""``."""

    id: str
    subject: str
    kind: str
    severity: str
    saves: str
    told: str
    edit: str
    advice: str
    places: tuple[Place, ...]
    statement: str


def findings_of(capture: Capture) -> tuple[Found, ...]:
    """Lay out the findings of a capture's record; what cannot be read is left out."""
    findings = capture.record.get("findings")
    plain = findings if isinstance(findings, list | tuple) else ()
    return tuple(
        _found(each, place, capture)
        for place, each in enumerate(plain[:50], 1)
        if isinstance(each, Mapping)
    )


def _found(finding: Mapping[str, Any], place: int, capture: Capture) -> Found:
    message, also, rest = str(finding.get("message", "")).partition("; read ")
    shape = str(finding.get("shape") or "")
    edit = short(str(finding.get("fix") or ""))
    count = int(number(finding.get("count")))
    cost_ms = number(finding.get("cost_ms"))
    told = ngettext("%(count)s statement", "%(count)s statements", count) % {"count": f"{count:,}"}
    saved = int(number(finding.get("saved")))
    saves = ngettext("%(count)s statement", "%(count)s statements", saved) % {"count": f"{saved:,}"}
    if cost_ms:
        saves = f"{duration(cost_ms)}, {saves}" if saved else duration(cost_ms)
    severity = str(finding.get("severity"))
    also_read = f"{_('And read')} {rest}" if also else ""
    advice = also_read if edit else f"{message}{also}{rest}"
    return Found(
        id=f"finding-{place}",
        subject=_subject(finding, shape),
        kind=short(str(finding.get("kind", ""))),
        severity=severity if severity in ("warning", "info") else "info",
        saves=saves if saved or cost_ms else "",
        told=told if count else "",
        edit=edit,
        advice=short(advice),
        places=tuple(_places(finding, capture)),
        statement=printable(shortened(shape)),
    )


def _subject(finding: Mapping[str, Any], shape: str) -> str:
    model, path = str(finding.get("model") or ""), str(finding.get("path") or "")
    if model:
        return short(f"{model}.{path}" if path else model)
    return short(", ".join(parse(shape).tables) or str(finding.get("kind", "")))


def _places(finding: Mapping[str, Any], capture: Capture) -> Iterator[Place]:
    loop = finding.get("kind") == "n_plus_one"
    for name, role in (("origin", _("Loaded")), ("access", _("Used") if loop else _("At"))):
        site = finding.get(name)
        if isinstance(site, Mapping):
            file, line = str(site.get("file", "")), int(number(site.get("line")))
            lines = capture.source.get(file)
            code = lines.get(str(line), "") if isinstance(lines, Mapping) else ""
            function = f" in {site['function']}" if site.get("function") else ""
            yield Place(role, short(f"{file}:{line}{function}"), short(str(code).strip()))
