"""The figures and tables of a capture's page, every text printable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.utils.translation import gettext as _

from perfkit.profiling.capture import CPROFILE, Capture, Frame
from perfkit.profiling.own_code import own_code
from perfkit.profiling.times import frame_times
from perfkit.report.html.kept import number
from perfkit.report.html.page import KeyFigure
from perfkit.report.wording import duration, percent
from perfkit.views import names

_MOST_FUNCTIONS: Final = 100


def figures(capture: Capture) -> Iterator[KeyFigure]:
    """Yield the few numbers that come first."""
    record = capture.record
    if capture.status:
        failed = capture.status >= 500
        yield KeyFigure(_("Status"), str(capture.status), "", is_bad=failed)
    queue_ms = number(record.get("queue_ms"))
    waited = _("%(time)s before a worker had it") % {"time": duration(queue_ms)}
    yield KeyFigure(_("Took"), duration(capture.duration_ms), waited if queue_ms else "")
    if record:
        db_ms, count = number(record.get("db_ms")), int(number(record.get("statements")))
        yield KeyFigure(
            _("Statements"), f"{count:,}", _("%(time)s in the database") % {"time": duration(db_ms)}
        )
    if cpu_ms := number(record.get("cpu_ms")):
        yield KeyFigure(_("On the CPU"), duration(cpu_ms), "")
    own_ms = capture.profile.own_ms
    own = _("the engine itself took %(time)s") % {"time": duration(own_ms)} if own_ms else ""
    if capture.engine == CPROFILE:
        calls = sum(each.calls for each in capture.profile.calls)
        yield KeyFigure(_("Calls"), f"{calls:,}", own)
    else:
        seen_ms = sum(each.duration_ms for each in capture.profile.samples)
        share = percent(seen_ms / capture.duration_ms) if capture.duration_ms else ""
        covered = _("they cover %(share)s") % {"share": share} if share else ""
        told = "; ".join(filter(None, (covered, own)))
        yield KeyFigure(_("Samples"), f"{len(capture.profile.samples):,}", told)


def functions(capture: Capture) -> Iterator[dict[str, Any]]:
    """Yield the site's functions, by the time spent in them and what they do not own below."""
    profile = own_code(capture.profile)
    times = sorted(frame_times(profile).items(), key=lambda item: -item[1].own.ms)
    for at, time in times[:_MOST_FUNCTIONS]:
        yield {
            **_named(profile.frames[at]),
            "own": duration(time.own.ms),
            "total": duration(time.total.ms),
            "samples": f"{time.total.samples:,}",
        }


def call_rows(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table of counts, as its script has them too."""
    for place, (frame, count) in enumerate(zip(data["frames"], data["calls"], strict=True)):
        name, file, line, owner, _template = frame
        calls, primitive, own_ms, total_ms = count
        yield {
            "place": place,
            "name": name,
            "where": f"{file}:{line}" if file else "",
            "owner": owner,
            "whose": names.OWNERS.get(owner, ""),
            "calls": f"{calls:,}" if calls == primitive else f"{calls:,}/{primitive:,}",
            "own": duration(own_ms),
            "total": duration(total_ms),
            "each": duration(total_ms / primitive) if primitive else "–",
        }


def _named(frame: Frame) -> dict[str, Any]:
    return {
        "name": names.frame_name(frame),
        "where": names.place_of(frame),
        "whose": names.OWNERS.get(frame.owner, ""),
    }
