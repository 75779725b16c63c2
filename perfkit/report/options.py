"""The options of a report, checked: what was wrong, what is allowed, the nearest right word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from perfkit.conf import FINDING_KINDS
from perfkit.report.baseline import Baseline
from perfkit.report.compare.asked import Asked
from perfkit.report.compare.asked import parse as parse_compare
from perfkit.report.nagios.thresholds import Thresholds
from perfkit.report.nagios.thresholds import parse as parse_thresholds
from perfkit.report.together import check_together
from perfkit.report.values import baseline, choice, condition, file, fingerprint, interval, limit
from perfkit.report.window import parse_since, parse_until

#: ``--sort`` -> what it sorts by; largest first.
SORTS = {
    "total": "total time",
    "requests": "requests",
    "mean": "mean time",
    "p95": "95th percentile",
    "statements": "statements per request",
    "errors": "errors",
    "db": "time in the database",
}
FORMATS = ("text", "json", "sarif", "markdown", "html", "nagios")

#: What ``--fail-on`` may name besides the kinds of a site's own analyzers.
KINDS = FINDING_KINDS
SEVERITIES = ("warning", "info")
ANY = "any"
#: What it may name with ``--compare``: routes that got worse, findings that are new.
COMPARED = ("worse", "new")

DEFAULTS = {"since": "24h", "sort": "total", "limit": "20", "format": "text"}
#: A page that nobody opened today has not shown what it accepts.
STALE_DEFAULTS = {"since": "7d"}
#: An alarm is about now.
NAGIOS_DEFAULTS = {"since": "15m"}
#: Seconds between two reports of ``--watch``: workers write no more often.
WATCH_S = 10.0


@dataclass(frozen=True, slots=True)
class Options:
    """What a report shall show.

    Attributes:
        now: Unix seconds of the report.
        since: Unix seconds of the window's start; None for all data.
        until: Unix seconds of the window's end; None for now.
        routes: parts of route labels or whole labels; empty for all routes.
        sort: a key of ``SORTS``.
        limit: routes shown, and findings shown.
        format: one of ``FORMATS``.
        fail_on: kinds, severities, ``any``, or one of ``COMPARED``, that make the exit status 1.
        baseline: known findings, which are left out and make no exit status.
        write_baseline: file to write the findings to; "" for none.
        stale: tell of rules and comments that accept nothing, instead of the report.
        compare: two windows to compare, instead of the report.
        explain: beginning of the fingerprint of the finding to tell all of, instead of the report.
        samples: show the requests that were kept in detail.
        watch: seconds between two reports; 0.0 for one report.
        thresholds: what makes ``--format nagios`` a warning, and critical.
    """

    now: float
    since: float | None
    routes: tuple[str, ...] = ()
    sort: str = "total"
    limit: int = 20
    format: str = "text"
    fail_on: tuple[str, ...] = ()
    baseline: Baseline | None = None
    write_baseline: str = ""
    stale: bool = False
    until: float | None = None
    compare: Asked | None = None
    explain: str = ""
    samples: bool = False
    watch: float = 0.0
    thresholds: Thresholds = field(default_factory=Thresholds)

    @property
    def end(self) -> float:
        """Where the window ends, Unix seconds."""
        return self.now if self.until is None else self.until


def parse(given: Mapping[str, Any], now: float, own_analyzers: bool) -> Options:
    """Check the options of the command, and read the baseline that they name.

    Args:
        given: the options by name, as text; what is missing or None counts as its default.
        now: Unix seconds.
        own_analyzers: whether the site has analyzers besides perfkit's, whose kinds are not known.

    Raises:
        BadOption: one of them is wrong; the message is one line that says what is allowed.
    """
    given = {
        name: value for name, value in given.items() if value is not None and value is not False
    }
    form = choice("--format", str(given.get("format", DEFAULTS["format"])), FORMATS)
    check_together(given, form)
    values = {
        name: str(given.get(name, default)) for name, default in _defaults(given, form).items()
    }
    compared = given.get("compare")
    since = None if compared is not None else parse_since(values["since"], now)
    until = parse_until(str(given["until"]), since, now) if "until" in given else None
    known = (*KINDS, *SEVERITIES, ANY, *(COMPARED if compared is not None else ()))
    return Options(
        now=now,
        since=since,
        until=until,
        routes=tuple(route for route in _listed(given.get("route")) if route),
        sort=choice("--sort", values["sort"], SORTS),
        limit=limit(values["limit"]),
        format=form,
        fail_on=tuple(
            condition(name.strip(), known, own_analyzers)
            for names in _listed(given.get("fail_on"))
            for name in names.split(",")
        ),
        baseline=baseline(given.get("baseline")),
        write_baseline=file("--write-baseline", given.get("write_baseline")),
        stale="stale" in given,
        compare=None if compared is None else parse_compare(str(compared), until or now, now),
        explain=fingerprint(given.get("explain")),
        samples="samples" in given,
        watch=interval(given.get("watch")),
        thresholds=parse_thresholds(given.get("warning"), given.get("critical")),
    )


def _defaults(given: Mapping[str, Any], form: str) -> dict[str, str]:
    if "stale" in given:
        return {**DEFAULTS, **STALE_DEFAULTS}
    return {**DEFAULTS, **NAGIOS_DEFAULTS} if form == "nagios" else DEFAULTS


def _listed(given: Any) -> Iterable[str]:
    """Take one value or several: the command line gives a list, ``call_command`` also a string."""
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(map(str, given))
