"""A report as plain JSON, schema 1; ``docs/report-json.rst`` explains each key."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from perfkit.metrics.sample import Sample
from perfkit.record import Site
from perfkit.report.compare.model import Comparison, Figure, RouteChange, Side
from perfkit.report.compare.wording import claims
from perfkit.report.explanation import AROUND, Explanation, places
from perfkit.report.model import FindingRow, ReportModel, RouteRow
from perfkit.report.source import around

#: Grows when a key goes or changes its meaning; a new key alone does not change it.
SCHEMA = 1


def to_json(model: ReportModel, version: str) -> dict[str, Any]:
    """Return dicts, lists, strings, numbers and None.

    Args:
        model: the report.
        version: perfkit's own, which no module in it may import.
    """
    options = model.options
    return {
        "schema": SCHEMA,
        "perfkit": version,
        "generated_at": _iso(options.now),
        "window": {
            "since": _iso(options.since),
            "until": _iso(options.end),
            "first_data": _iso(model.first_data),
        },
        "totals": _rounded(asdict(model.totals)),
        "routes": [_route(row) for row in model.routes],
        "findings": [_finding(row) for row in model.findings],
        "samples": [_sample(sample) for sample in model.samples],
        "marks": [{"at": _iso(at), "name": name} for at, name in model.marks],
        "cache": [advice.to_json() for advice in model.cache],
        "comparison": _comparison(model.comparison),
        "explanation": _explanation(model.explanation),
        "baseline": _baseline(model),
        "store": {"path": model.path, "bytes": model.bytes, "notes": list(model.notes)},
    }


def _baseline(model: ReportModel) -> dict[str, Any] | None:
    baseline = model.options.baseline
    if baseline is None:
        return None
    gone = [asdict(entry) for entry in model.gone]
    return {"file": baseline.file, "known": model.known, "gone": gone}


def _route(row: RouteRow) -> dict[str, Any]:
    return _rounded(asdict(row))


def _finding(row: FindingRow) -> dict[str, Any]:
    return {
        **_rounded(asdict(row)),
        "access": _site(row.access),
        "origin": _site(row.origin),
        "loop": _site(row.loop),
        "callers": [asdict(site) for site in row.callers],
        "parts": [_rounded(asdict(part)) for part in row.parts],
        "routes": [asdict(seen) for seen in row.routes],
        "first_seen": _iso(row.first_seen),
        "last_seen": _iso(row.last_seen),
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return {**asdict(sample), "at": _iso(sample.at)}


def _comparison(made: Comparison | None) -> dict[str, Any] | None:
    if made is None:
        return None
    return {
        **asdict(made),
        "mark_at": _iso(made.mark_at),
        "before": _side(made.before),
        "after": _side(made.after),
        "routes": [_change(each) for each in made.routes],
        "new_routes": [_label(each) for each in made.new_routes],
        "gone_routes": [_label(each) for each in made.gone_routes],
        "new_findings": [asdict(each) for each in made.new_findings],
        "gone_findings": [asdict(each) for each in made.gone_findings],
        "notes": list(made.notes),
        "claims": list(claims(made)),
    }


def _side(side: Side) -> dict[str, Any]:
    return {**asdict(side), "start": _iso(side.start), "end": _iso(side.end)}


def _change(change: RouteChange) -> dict[str, Any]:
    return {
        **_rounded(asdict(change)),
        "figures": {each.name: _figure(each) for each in change.figures},
    }


def _figure(given: Figure) -> dict[str, Any]:
    # A p-value below a millionth is one all the same.
    fields = {name: value for name, value in asdict(given).items() if name != "name"}
    return {
        name: round(value, 6) if isinstance(value, float) else value
        for name, value in fields.items()
    }


def _label(label: tuple[str, str]) -> dict[str, str]:
    method, route = label
    return {"route": route, "method": method}


def _explanation(told: Explanation | None) -> dict[str, Any] | None:
    if told is None:
        return None
    return {
        "finding": _finding(told.finding),
        "code": [
            _code(label, site, told.finding.last_seen) for label, site in places(told.finding)
        ],
        "step_s": told.step_s,
        "history": [{**asdict(each), "start": _iso(each.start)} for each in told.history],
        "samples": [_sample(each) for each in told.samples],
    }


def _code(label: str, site: Site, seen: float) -> dict[str, Any]:
    lines, doubt = around(site, seen, AROUND)
    return {
        "role": label,
        **asdict(site),
        "lines": [{"number": number, "text": text} for number, text in lines],
        "doubt": doubt,
    }


def _site(site: Site | None) -> dict[str, Any] | None:
    return asdict(site) if site else None


def _rounded(fields: dict[str, Any]) -> dict[str, Any]:
    # To the microsecond, and shares and means as fine; more digits are float noise.
    return {
        name: round(value, 3 if name.endswith("_ms") else 4) if isinstance(value, float) else value
        for name, value in fields.items()
    }


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
