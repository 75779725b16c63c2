"""Asks the analyzers about a request, each isolated from the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from time import perf_counter
from typing import Any, Final

from django.utils.module_loading import import_string

from perfkit.acceptance.accepted import Acceptance
from perfkit.conf import Settings, get_settings
from perfkit.isolation import isolated
from perfkit.metrics.route import method_label, route_label
from perfkit.observation import Observation
from perfkit.record import Finding, RequestRecord
from perfkit.snapshot import from_trace

#: Stands for the HTTP method of a Celery task.
TASK: Final = "TASK"

Analyzer = Callable[[RequestRecord, Settings], Iterable[Finding]]


@cache
def analyzers(paths: tuple[str, ...]) -> tuple[tuple[str, Analyzer], ...]:
    """Import the analyzers once; one that cannot be imported is logged and left out."""
    found: list[tuple[str, Analyzer]] = []
    for path in paths:
        with isolated(f"analyzer {path}"):
            found.append((path, import_string(path)))
    return tuple(found)


def analyze(record: RequestRecord, settings: Settings) -> RequestRecord:
    """Return the record with its findings, most saved first."""
    findings: list[Finding] = []
    for path, analyzer in analyzers(settings.analyzers):
        with isolated(f"analyzer {path}"):
            findings.extend(map(_checked, analyzer(record, settings)))
    with isolated("acceptance"):
        acceptance = Acceptance(settings.ignore, record.route, record.method)
        findings = [each for each in findings if not _accepted(each, acceptance)]
    findings = merged(findings)
    findings.sort(key=lambda finding: (-finding.cost_ms, -finding.saved, finding.fingerprint))
    return replace(record, findings=tuple(findings)) if findings else record


def _checked(finding: Finding) -> Finding:
    if not isinstance(finding, Finding):
        raise TypeError(f"an analyzer yields perfkit.record.Finding, not {finding!r}")
    return finding


def _accepted(finding: Finding, acceptance: Acceptance) -> bool:
    """Tell whether the team lives with a finding; one made of parts only when it does with all.

    An analyzer whose findings cover several accesses has asked for each of them before.
    """
    further = (finding.loop, finding.origin)
    return all(
        acceptance.accepts(finding.kind, finding.model, path, (access, *callers, *further))
        for path, access, callers in [
            (part.path, part.access, part.callers) for part in finding.parts
        ]
        or [(finding.path, finding.access, finding.callers)]
    )


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Add up findings that are one to the reader: the same line reached by several paths."""
    by_name: dict[str, Finding] = {}
    for finding in findings:
        known = by_name.get(finding.fingerprint)
        if known is not None:
            finding = replace(
                known,
                count=known.count + finding.count,
                saved=known.saved + finding.saved,
                cost_ms=known.cost_ms + finding.cost_ms,
                severity="warning" if "warning" in (known.severity, finding.severity) else "info",
            )
        by_name[finding.fingerprint] = finding
    return list(by_name.values())


def build(observation: Observation) -> RequestRecord:
    """Turn a request into a record with findings; an unfinished one as far as it has come."""
    facts = facts_of(observation)
    if observation.trace is None:
        return RequestRecord(**facts)
    return analyze(from_trace(observation.trace, observation.started, **facts), get_settings())


def facts_of(observation: Observation) -> dict[str, Any]:
    """Return the fields of a request's record that need no trace."""
    ended = observation.ended or perf_counter()
    first_byte = observation.first_byte or ended
    request = observation.request  # still there in the toolbar, which looks before the end
    match = observation.match if request is None else request.resolver_match
    return {
        "route": observation.task or route_label(match, observation.status),
        "method": TASK if observation.task else method_label(observation.method),
        "status": observation.status,
        "started_at": observation.started_at,
        "duration_ms": (ended - observation.started) * 1000,
        "ttfb_ms": (first_byte - observation.started) * 1000,
        "cpu_ms": None if observation.cpu_s is None else observation.cpu_s * 1000,
        "queue_ms": observation.queue_ms,
        "response_bytes": observation.sent_bytes,
        "aborted": observation.aborted,
    }
