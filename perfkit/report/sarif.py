"""Findings as SARIF 2.1.0: what code-review tools show beside the lines of a change.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from perfkit.acceptance.files import find
from perfkit.capture.places import Owner, owner_of
from perfkit.record import Finding, Site
from perfkit.report.model import FindingRow
from perfkit.report.wording import printable

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
VERSION = "2.1.0"

#: Where the uris of a log begin: the project's folder, wherever it lies on the reader's machine.
_ROOT = "%SRCROOT%"
#: Grows when a finding's fingerprint is made in another way.
_FINGERPRINT = "perfkit/v1"

_LEVELS = {"warning": "warning", "info": "note"}
_RULES = {
    "n_plus_one": "The same read runs once for each row of a loop",
    "write_loop": "The same write runs once for each row of a loop",
    "deferred_load": "A field that was deferred is read row by row",
    "wasted_prefetch": "A relation that was prefetched is asked for again",
    "unused_eager_load": "A relation is loaded along and never read",
    "duplicate_query": "The same statement runs again with the same parameters",
    "slow_query": "One statement alone takes long",
    "query_plan": "The database reads or sorts more than a statement needs",
}

#: Turns the file of a ``Site`` into a path relative to the project; "" where it lies elsewhere.
Locate = Callable[[str], str]


def to_sarif(
    findings: Iterable[Finding | FindingRow],
    version: str,
    locate: Locate | None = None,
    known: Container[str] | None = None,
) -> dict[str, Any]:
    """Return a log of one run as plain JSON.

    Args:
        findings: in the order to list them.
        version: perfkit's own, which no module in it may import.
        locate: see ``Locate``; by default files are taken to count from the project's folder.
        known: fingerprints of a baseline: they are ``unchanged``, and all others ``new``.
    """
    findings = list(findings)
    kinds = list(dict.fromkeys([*_RULES, *(finding.kind for finding in findings)]))
    results = [
        _result(finding, kinds.index(finding.kind), locate or _as_it_is) for finding in findings
    ]
    if known is not None:
        for finding, result in zip(findings, results, strict=True):
            result["baselineState"] = "unchanged" if finding.fingerprint in known else "new"
    return {
        "$schema": SCHEMA,
        "version": VERSION,
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "perfkit",
                        "semanticVersion": version,
                        "rules": [_rule(kind) for kind in kinds],
                    }
                },
                "originalUriBaseIds": {
                    _ROOT: {"description": {"text": "The folder of the project."}}
                },
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }


def _rule(kind: str) -> dict[str, Any]:
    told = _RULES.get(kind, f"Findings of the kind {printable(kind)}")
    return {"id": kind, "name": kind, "shortDescription": {"text": f"{told}."}}


def _result(finding: Finding | FindingRow, rule: int, locate: Locate) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.kind,
        "ruleIndex": rule,
        "level": _LEVELS.get(finding.severity, "note"),
        "message": {"text": _message(finding, locate)},
        "partialFingerprints": {_FINGERPRINT: finding.fingerprint},
        "properties": {
            name: printable(value)
            for name in ("model", "path", "fix")
            if (value := getattr(finding, name))
        },
    }
    # The line that asked; else, or where that is not the project's, the next one that is.
    sites = (finding.access, *finding.callers, finding.origin, finding.loop)
    main = next((site for site in sites if site and locate(site.file)), None)
    if main is not None and (location := _location(main, locate)):
        result["locations"] = [location]
    related = [
        {"id": number, **location, "message": {"text": told}}
        for number, (told, location) in enumerate(_related(finding, main, locate), 1)
    ]
    if related:
        result["relatedLocations"] = related
    return result


def _message(finding: Finding | FindingRow, locate: Locate) -> str:
    text = printable(finding.message or _RULES.get(finding.kind, finding.kind))
    if not finding.fix:
        return text
    text += f". Write {printable(finding.fix)}"
    path = locate(finding.origin.file) if finding.origin else ""
    return f"{text} at {printable(path)}:{finding.origin.line}" if finding.origin and path else text


def _related(
    finding: Finding | FindingRow, main: Site | None, locate: Locate
) -> Iterator[tuple[str, dict[str, Any]]]:
    places = [
        ("The rows were loaded here", finding.origin),
        ("This line loops", finding.loop),
        *(("Reached through this line", site) for site in finding.callers),
        *(("Read here, too", part.access) for part in finding.parts),
    ]
    seen = {main}
    for told, site in places:
        if site is not None and site not in seen and (location := _location(site, locate)):
            seen.add(site)
            yield told, location


def _location(site: Site, locate: Locate) -> dict[str, Any] | None:
    path = locate(site.file)
    if not path:
        return None
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {
                "uri": quote(path, safe="/~", errors="surrogateescape"),
                "uriBaseId": _ROOT,
            },
            "region": {"startLine": max(site.line, 1)},
        }
    }
    if site.function:
        location["logicalLocations"] = [{"fullyQualifiedName": printable(site.function)}]
    return location


def _as_it_is(file: str) -> str:
    """Return a relative path as it is, and none for what would name a folder of this machine."""
    path = file.replace(os.sep, "/")
    absolute = path.startswith("/") or re.match(r"[A-Za-z]:", path)
    return "" if absolute or ".." in path.split("/") else path


def within(root: Path) -> Locate:
    """Return how files are found below a project's folder.

    A ``Site`` counts its file from the folder it is imported from, which may lie below the
    project's: ``src/shop/views.py`` is ``shop/views.py`` there.
    """
    top = root.resolve()

    def locate(file: str) -> str:
        path = find(file)
        if path is None:
            return _as_it_is(file)
        resolved = path.resolve()
        if not resolved.is_relative_to(top) or owner_of(str(resolved)) is not Owner.SITE:
            return ""  # an environment may lie in the project's folder without being part of it
        return resolved.relative_to(top).as_posix()

    return locate
