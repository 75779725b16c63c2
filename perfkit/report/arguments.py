"""The options of ``perfreport`` as its help shows them; ``options.py`` checks their values."""

from __future__ import annotations

from argparse import ArgumentParser

from perfkit.report.nagios.thresholds import MEASURES
from perfkit.report.options import COMPARED, FORMATS, KINDS, SEVERITIES, SORTS, WATCH_S


def add_arguments(parser: ArgumentParser) -> None:
    """Add every option; all are text here."""
    _add_window(parser)
    _add_form(parser)
    _add_views(parser)
    _add_judgment(parser)


def _add_window(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--since", help="window: an age (15m, 2h, 7d), an ISO date or time, all; default 24h"
    )
    parser.add_argument(
        "--until", help="end of the window: an age or an ISO date or time; default now"
    )
    parser.add_argument(
        "--route",
        action="append",
        help="show only routes with this text, or the one with this label; may repeat",
    )


def _add_form(parser: ArgumentParser) -> None:
    parser.add_argument("--sort", help=f"order of routes: {', '.join(SORTS)}; default total")
    parser.add_argument("--limit", help="routes shown, and findings shown; default 20")
    parser.add_argument("--format", help=f"{', '.join(FORMATS)}; default text")
    parser.add_argument(
        "--samples", action="store_true", help="show the requests that were kept in detail"
    )


def _add_views(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--compare",
        metavar="A..B",
        help="instead of the report: what changed between two windows, by how much, and how sure "
        "that is: 2d..1d, 8d/1d..1d/1d (start and length), deploy or deploy:NAME",
    )
    parser.add_argument(
        "--explain",
        metavar="FINGERPRINT",
        help="instead of the report: everything on one finding; the beginning is enough",
    )
    parser.add_argument(
        "--watch",
        metavar="SECONDS",
        nargs="?",
        const=f"{WATCH_S:g}",
        help=f"show the report anew every so often, until Ctrl-C; default {WATCH_S:g} s",
    )
    parser.add_argument(
        "--stale",
        action="store_true",
        help="instead of the report: rules of PERFKIT['IGNORE'] and `perfkit: ok[...]` comments "
        "that accepted nothing; status 1 when there are any; default window 7d",
    )


def _add_judgment(parser: ArgumentParser) -> None:
    conditions = ", ".join((*KINDS, *SEVERITIES, "any"))
    parser.add_argument(
        "--fail-on",
        action="append",
        help=f"exit with status 1 when there is such a finding: {conditions}; with --compare also "
        f"{' or '.join(COMPARED)}; may repeat, or name several with commas",
    )
    parser.add_argument(
        "--baseline",
        metavar="FILE",
        help="leave out the findings of this file, written by --write-baseline; --fail-on "
        "counts new ones only",
    )
    parser.add_argument(
        "--write-baseline",
        metavar="FILE",
        help="write the findings to this file: from then on they are known",
    )
    for name in ("warning", "critical"):
        parser.add_argument(
            f"--{name}",
            action="append",
            help=f"with --format nagios: what makes it {name}, such as p95=500,errors=1%%; of "
            f"{', '.join(MEASURES)} and the kinds of findings; may repeat",
        )
