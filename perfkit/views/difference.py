"""Two captures side by side: what takes more or less, and what so few samples cannot tell."""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from perfkit.profiling.capture import CPROFILE, Capture
from perfkit.profiling.diff import LESS, MORE, SAME, Difference, FrameChange, StatementChange
from perfkit.profiling.diff import difference as compared
from perfkit.report.wording import duration, moment, printable, shortened
from perfkit.views import names
from perfkit.views.access import for_staff
from perfkit.views.page import page
from perfkit.views.stored import capture_or_404

MOST_ROWS: Final = 200
_CLASSES: Final = {MORE: "worse", LESS: "better"}


@for_staff("GET", "HEAD")
def chosen(request: HttpRequest) -> HttpResponse:
    """Go from the list's form to the page of the two that were chosen."""
    before, after = request.GET.get("before", ""), request.GET.get("after", "")
    if not before or not after or "/" in before + after:
        raise Http404
    return HttpResponseRedirect(reverse("perfkit:difference", args=[before, after]))


@for_staff("GET", "HEAD")
def difference(request: HttpRequest, before: str, after: str) -> HttpResponse:
    """Show what differs."""
    was, now = capture_or_404(request, before), capture_or_404(request, after)
    counted = now.engine == CPROFILE
    only_own_code = request.GET.get("frames") != "all" and not counted
    found = compared(was, now, only_own_code=only_own_code)
    shown = found.frames[:MOST_ROWS]
    largest_ms = max((abs(each.own_change_ms) for each in shown), default=0.0)
    context = {
        "title": names.short(f"{now.method} {now.name}".strip()),
        "sides": [_side(_("Before"), was), _side(_("After"), now)],
        "change": _told_ms(now.duration_ms - was.duration_ms),
        "notes": _notes(found),
        "counted": counted,
        "comparable": found.comparable,
        "only_own_code": only_own_code,
        "frames": [_frame(each, largest_ms) for each in shown],
        "more_frames": len(found.frames) - len(shown),
        "statements": [_statement(each) for each in found.statements[:MOST_ROWS]],
        "more_statements": max(len(found.statements) - MOST_ROWS, 0),
        "before": was.id,
        "after": now.id,
    }
    return page(request, "difference.html", context)


def _side(label: str, capture: Capture) -> dict[str, Any]:
    runs = sum(runs for _shape, runs, _ms in capture.shapes)
    if capture.engine == CPROFILE:
        count = sum(each.calls for each in capture.profile.calls)
        counted = ngettext("%(count)s call", "%(count)s calls", count)
    else:
        count = len(capture.profile.samples)
        counted = ngettext("%(count)s sample", "%(count)s samples", count)
    return {
        "label": label,
        "id": capture.id,
        "at": moment(capture.started_at),
        "duration": duration(capture.duration_ms),
        "statements": ngettext("%(count)s statement", "%(count)s statements", runs)
        % {"count": f"{runs:,}"},
        "count": counted % {"count": f"{count:,}"},
        "engine": names.ENGINES.get(capture.engine, ""),
        "status": capture.status or "",
    }


def _notes(found: Difference) -> list[str]:
    before, after = found.before, found.after
    notes = []
    if (before.name, before.method) != (after.name, after.method):
        notes.append(
            _("These are different routes: %(before)s and %(after)s.")
            % {
                "before": names.short(f"{before.method} {before.name}"),
                "after": names.short(f"{after.method} {after.name}"),
            }
        )
    if not found.comparable:
        notes.append(
            _(
                "One was made by cProfile, which slows down what it counts, the other by sampling: "
                "their times cannot be compared. Statements can."
            )
        )
    return notes


def _frame(change: FrameChange, largest_ms: float) -> dict[str, Any]:
    was, now = change.before, change.after
    share = abs(change.own_change_ms) / largest_ms * 50 if largest_ms else 0.0
    return {
        "name": names.frame_name(change.frame),
        "where": names.place_of(change.frame),
        "whose": names.OWNERS.get(change.frame.owner, ""),
        "own": _change(was.own_ms, now.own_ms, change.own_verdict),
        "total": _change(was.total_ms, now.total_ms, change.total_verdict),
        "times_before": f"{was.times:,}",
        "times_after": f"{now.times:,}",
        # Of a bar from the middle of 100 to the right for more, to the left for less.
        "bar_x": f"{50.0 if change.own_change_ms > 0 else 50.0 - share:.2f}",
        "bar_width": f"{share:.2f}",
    }


def _statement(change: StatementChange) -> dict[str, Any]:
    runs = change.runs_after - change.runs_before
    return {
        "text": printable(shortened(change.shape)),
        "runs_before": f"{change.runs_before:,}",
        "runs_after": f"{change.runs_after:,}",
        "runs": {
            "told": _signed(runs, f"{abs(runs):,}") if runs else "0",
            "class": ("worse" if runs > 0 else "better") if runs else "",
            "verdict": _runs_told(runs, change.runs_before, change.runs_after),
        },
        "ms": _change(
            change.ms_before,
            change.ms_after,
            change.verdict if not runs else _by_sign(change.ms_after - change.ms_before),
        ),
    }


def _runs_told(runs: int, before: int, after: int) -> str:
    if not runs:
        return _("the same")
    if not before:
        return _("new")
    if not after:
        return _("gone")
    return _("more") if runs > 0 else _("fewer")


def _change(before_ms: float, after_ms: float, verdict: str) -> dict[str, str]:
    told = {
        MORE: _("more"),
        LESS: _("less"),
        SAME: _("the same"),
    }.get(verdict, _("may be chance"))
    return {
        "before": duration(before_ms) if before_ms else "–",
        "after": duration(after_ms) if after_ms else "–",
        "told": _told_ms(after_ms - before_ms),
        "verdict": told,
        "class": _CLASSES.get(verdict, ""),
    }


def _told_ms(change_ms: float) -> str:
    if not change_ms:
        return "0"
    return _signed(change_ms, duration(abs(change_ms)))


def _signed(value: float, told: str) -> str:
    return f"+{told}" if value > 0 else f"\u2212{told}"


def _by_sign(change_ms: float) -> str:
    return (MORE if change_ms > 0 else LESS) if change_ms else SAME
