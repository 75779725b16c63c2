"""A kept request: what it did when, as the report shows it, and how to make it once more."""

from __future__ import annotations

from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from perfkit.metrics.sample import STALL
from perfkit.report.html.kept import RequestView, number, requests_of
from perfkit.report.html.stalls import stalls_of
from perfkit.store.samples import same_request
from perfkit.views import names
from perfkit.views.access import for_staff
from perfkit.views.page import page
from perfkit.views.reproduce import curl, django_test
from perfkit.views.stored import store

#: Beyond this no database takes it for a number of a row.
_LARGEST_ID: Final = 2**62


@for_staff("GET", "HEAD")
def kept(request: HttpRequest, id: int) -> HttpResponse:  # noqa: A002 - its name in the URL
    """Show a kept request."""
    if id >= _LARGEST_ID:
        raise Http404
    found = same_request(store(), id)
    if not found:
        raise Http404
    sample = found[0].sample
    samples = [each.sample for each in found if each.sample.kind != STALL]
    view = next(iter(requests_of(samples, 1)), None)
    host = f"{request.scheme}://{request.get_host()}"
    status = int(number(sample.data.get("status")))
    context = {
        "title": names.short(f"{sample.method} {sample.route}".strip()),
        "request": view,
        "stalls": stalls_of([each.sample for each in found]),
        "curl": curl(host, sample.method, "", sample.route),
        "test": django_test(
            sample.method, "", sample.route, status, int(number(sample.data.get("statements")))
        ),
        "route": names.short(sample.route),
    }
    return page(
        request,
        "kept.html",
        context,
        data={"requests": _drawn(view), "words": _words()},
        scripts=("plots.js", "report-timeline.js"),
        libraries=("vendor/plot.js",),
    )


def _drawn(view: RequestView | None) -> dict[str, object]:
    if view is None:
        return {}
    entries = [
        [each.start_ms, each.duration_ms, each.part, each.text, each.times] for each in view.entries
    ]
    return {view.id: {"end": view.duration_ms, "entries": entries}}


def _words() -> dict[str, str]:
    return {"app": _("code"), "db": _("database"), "cache": _("cache"), "template": _("template")}
