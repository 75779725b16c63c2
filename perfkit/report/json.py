"""A report as plain JSON, schema 1; ``docs/report-json.rst`` explains each key."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from perfkit.record import Site
from perfkit.report.model import FindingRow, ReportModel, RouteRow

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
            "until": _iso(options.now),
            "first_data": _iso(model.first_data),
        },
        "totals": _rounded(asdict(model.totals)),
        "routes": [_route(row) for row in model.routes],
        "findings": [_finding(row) for row in model.findings],
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
