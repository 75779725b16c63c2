"""The options of a report, checked: what was wrong, what is allowed, the nearest right word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from perfkit.conf import FINDING_KINDS
from perfkit.report.baseline import BadBaseline, Baseline, read
from perfkit.report.window import BadOption, parse_since

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
FORMATS = ("text", "json", "sarif")

#: What ``--fail-on`` may name besides the kinds of a site's own analyzers.
KINDS = FINDING_KINDS
SEVERITIES = ("warning", "info")
ANY = "any"

DEFAULTS = {"since": "24h", "sort": "total", "limit": "20", "format": "text"}
#: A page that nobody opened today has not shown what it accepts.
STALE_DEFAULTS = {"since": "7d"}
_MOST_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Options:
    """What a report shall show.

    Attributes:
        now: Unix seconds of the report; the window ends here.
        since: Unix seconds of the window's start; None for all data.
        routes: parts of route labels or whole labels; empty for all routes.
        sort: a key of ``SORTS``.
        limit: routes shown, and findings shown.
        format: ``text`` or ``json``.
        fail_on: kinds, severities or ``any`` that make the exit status 1.
        baseline: known findings, which are left out and make no exit status.
        write_baseline: file to write the findings to; "" for none.
        stale: tell of rules and comments that accept nothing, instead of the report.
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


def parse(given: Mapping[str, Any], now: float, own_analyzers: bool) -> Options:
    """Check the options of the command, and read the baseline that they name.

    Args:
        given: the options by name, as text; what is missing or None counts as its default.
        now: Unix seconds.
        own_analyzers: whether the site has analyzers besides perfkit's, whose kinds are not known.

    Raises:
        BadOption: one of them is wrong; the message is one line that says what is allowed.
    """
    stale = bool(given.get("stale"))
    defaults = {**DEFAULTS, **STALE_DEFAULTS} if stale else DEFAULTS
    values = {
        name: default if given.get(name) is None else str(given[name])
        for name, default in defaults.items()
    }
    if stale and values["format"] != "text":
        raise BadOption("--stale prints text only")
    return Options(
        now=now,
        since=parse_since(values["since"], now),
        routes=tuple(route for route in _listed(given.get("route")) if route),
        sort=_choice("--sort", values["sort"], SORTS),
        limit=_limit(values["limit"]),
        format=_choice("--format", values["format"], FORMATS),
        fail_on=tuple(
            _condition(name.strip(), own_analyzers)
            for names in _listed(given.get("fail_on"))
            for name in names.split(",")
        ),
        baseline=_baseline(given.get("baseline")),
        write_baseline=_file("--write-baseline", given.get("write_baseline")),
        stale=stale,
    )


def _listed(given: Any) -> Iterable[str]:
    """Take one value or several: the command line gives a list, ``call_command`` also a string."""
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(map(str, given))


def _choice(option: str, value: str, allowed: Iterable[str]) -> str:
    if value in allowed:
        return value
    raise BadOption(
        f"{option} {value!r} is not one of {', '.join(allowed)}{_nearest(value, allowed)}"
    )


def _limit(value: str) -> int:
    digits = value.lstrip("0")
    if value.isascii() and value.isdigit() and digits:
        return _MOST_ROWS if len(digits) > len(str(_MOST_ROWS)) else min(int(digits), _MOST_ROWS)
    raise BadOption(f"--limit {value!r} is not a whole number from 1")


def _condition(name: str, own_analyzers: bool) -> str:
    known = (*KINDS, *SEVERITIES, ANY)
    nearest = _nearest(name, known)
    # A misspelled kind would never match, and the check in CI always pass.
    if name in known or (own_analyzers and name.isidentifier() and not nearest):
        return name
    raise BadOption(f"--fail-on {name!r} is not one of {', '.join(known)}{nearest}")


def _file(option: str, given: Any) -> str:
    if given is None:
        return ""
    if not str(given):
        raise BadOption(f"{option} names no file")
    return str(given)


def _baseline(given: Any) -> Baseline | None:
    file = _file("--baseline", given)
    try:
        return read(file) if file else None
    except BadBaseline as error:
        raise BadOption(f"--baseline: {error}") from None


def _nearest(value: str, allowed: Iterable[str]) -> str:
    near = get_close_matches(value.lower(), list(allowed), n=1, cutoff=0.7)
    return f"; did you mean {near[0]}?" if near else ""
