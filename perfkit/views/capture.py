"""One capture: its page, its deletion, its exports."""

from __future__ import annotations

from typing import Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from perfkit.profiling.capture import CPROFILE, Capture
from perfkit.profiling.export import ExportRefusedError, exported, formats_of
from perfkit.report.wording import duration, moment, printable, shortened
from perfkit.store import captures
from perfkit.views import names
from perfkit.views.access import for_staff, owner_of
from perfkit.views.capture_tables import call_rows, figures, functions
from perfkit.views.drawing import (
    MOST_CALLS,
    MOST_SPANS,
    calls_data,
    spans_of,
    stacks_data,
)
from perfkit.views.found import findings_of
from perfkit.views.page import page
from perfkit.views.reproduce import curl, django_test
from perfkit.views.stored import capture_or_404, store
from perfkit.views.words import words

_MOST_SHAPES: Final = 100
_MOST_OTHERS: Final = 50


@for_staff("GET", "HEAD")
def capture(request: HttpRequest, id: str) -> HttpResponse:  # noqa: A002 - its name in the URL
    """Show a capture."""
    found = capture_or_404(request, id)
    counted = found.engine == CPROFILE
    data, cuts = (calls_data(found), []) if counted else stacks_data(found)
    if counted and len(found.profile.calls) > MOST_CALLS:
        told = _("The %(shown)s costliest functions of %(all)s are shown.")
        cuts.append(told % {"shown": MOST_CALLS, "all": f"{len(found.profile.calls):,}"})
    spans = spans_of(found)
    context = {
        "capture": found,
        "title": names.short(f"{found.method} {found.name}".strip()) or _("Capture"),
        "at": moment(found.started_at),
        "engine": names.ENGINES.get(found.engine, names.short(found.engine)),
        "reason": names.REASONS.get(found.reason, ""),
        "path": names.short(found.path),
        "counted": counted,
        "notes": [printable(note)[:1_000] for note in (*found.profile.notes, *cuts)],
        "figures": tuple(figures(found)),
        "findings": findings_of(found),
        "functions": () if counted else tuple(functions(found)),
        "calls": tuple(call_rows(data)) if counted else (),
        "spans": [
            {
                "number": place,
                "kind": each.kind,
                "start": duration(each.start_ms),
                "duration": duration(each.duration_ms),
                "text": names.short(each.text),
                "site": names.short(each.site or ""),
            }
            for place, each in enumerate(spans, 1)
        ],
        "more_spans": max(len(found.spans) - MOST_SPANS, 0),
        "shapes": [
            {"text": printable(shortened(shape)), "runs": f"{runs:,}", "duration": duration(ms)}
            for shape, runs, ms in found.shapes[:_MOST_SHAPES]
        ],
        "more_shapes": max(len(found.shapes) - _MOST_SHAPES, 0),
        "formats": formats_of(found.engine),
        "others": _others(found, owner_of(request)),
        **_once_more(request, found),
    }
    scripts = ("capture-calls.js",) if counted else ("capture.js",)
    return page(request, "capture.html", context, data={**data, "words": words()}, scripts=scripts)


@for_staff("POST")
def delete(request: HttpRequest, id: str) -> HttpResponse:  # noqa: A002 - its name in the URL
    """Delete a capture of one's own, or of nobody's."""
    if not captures.delete(store(), id, owner_of(request)):
        raise Http404
    return HttpResponseRedirect(reverse("perfkit:captures"))


@for_staff("GET", "HEAD")
def export(request: HttpRequest, id: str, form: str) -> HttpResponse:  # noqa: A002 - its name in the URL
    """Answer with a capture in another tool's format, as a file to save."""
    try:
        file = exported(capture_or_404(request, id), form)
    except ExportRefusedError:
        raise Http404 from None
    disposition = f'attachment; filename="{file.filename}"'
    return HttpResponse(
        file.content,
        content_type=file.content_type,
        # Saved, never shown: but if a browser shows it all the same, it runs nothing.
        headers={"Content-Disposition": disposition, "Content-Security-Policy": "sandbox"},
    )


def _others(found: Capture, owner: str) -> list[dict[str, str]]:
    """Return other captures of the same name to compare with, newest first."""
    rows = captures.listed(store(), owner, name=found.name, limit=_MOST_OTHERS + 1)
    return [
        {
            "id": row.id,
            "told": f"{moment(row.at, zone='')} · {duration(row.duration_ms)} · "
            + (
                ngettext("%(count)s statement", "%(count)s statements", row.statements)
                % {"count": row.statements}
            )
            + f" · {names.ENGINES.get(row.engine, '')}",
        }
        # Those that can be compared whole first.
        for row in sorted(
            rows, key=lambda row: (row.engine == CPROFILE) != (found.engine == CPROFILE)
        )
        if row.id != found.id and row.name == found.name
    ]


def _once_more(request: HttpRequest, found: Capture) -> dict[str, str]:
    if not found.method:
        return {}
    statements = found.record.get("statements")
    count = statements if isinstance(statements, int) else None
    host = f"{request.scheme}://{request.get_host()}"
    return {
        "curl": curl(host, found.method, found.path, found.name),
        "test": django_test(found.method, found.path, found.name, found.status, count),
    }
