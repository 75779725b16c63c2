"""Starts captures, and calls them off; by POST with a CSRF token only."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from perfkit.errors import CaptureRefused
from perfkit.profiling.capture import SAMPLER
from perfkit.profiling.start import cancel as cancel_order
from perfkit.profiling.start import page_token, place_order, set_cookie
from perfkit.report.wording import printable
from perfkit.views.access import for_staff, owner_of
from perfkit.views.listing import listing


@for_staff("POST")
def start(request: HttpRequest) -> HttpResponse:
    """Give this browser a token for one page, and send it there."""
    given = request.POST.get("path", "").strip()
    method = request.POST.get("method", "GET")
    # A browser drops control characters, and what is left may begin with two slashes.
    path = urlsplit(given).path if given.startswith("/") and given.isprintable() else ""
    # The query string goes to the page alone: no token and no capture holds one.
    if not path or not url_has_allowed_host_and_scheme(given, allowed_hosts=None):
        told = _("%(path)s is no path of this site: it begins with one slash, as /products/ does.")
        return listing(request, refused=told % {"path": repr(printable(given[:80]))}, status=400)
    try:
        token = page_token(
            request,
            owner=owner_of(request),
            path=path,
            method=method,
            engine=request.POST.get("engine", SAMPLER),
        )
    except CaptureRefused as error:
        return listing(request, refused=printable(str(error)), status=400)
    # Another method's request is the user's to send, from where its form is.
    response = HttpResponseRedirect(given if method == "GET" else reverse("perfkit:captures"))
    set_cookie(response, request, token)
    return response


@for_staff("POST")
def order(request: HttpRequest) -> HttpResponse:
    """Order captures of visitors' requests: the next of a route, or those slower than so long."""
    try:
        place_order(
            owner=owner_of(request),
            route=request.POST.get("route", "").strip(),
            method=request.POST.get("method", ""),
            engine=request.POST.get("engine", SAMPLER),
            slower_ms=_number(request.POST.get("slower", ""), _("Slower than"), 0.0),
            count=int(_number(request.POST.get("count", ""), _("How many"), 1.0)),
        )
    except CaptureRefused as error:
        return listing(request, refused=printable(str(error)), status=400)
    return HttpResponseRedirect(reverse("perfkit:captures"))


@for_staff("POST")
def cancel(request: HttpRequest, id: str) -> HttpResponse:  # noqa: A002 - its name in the URL
    """Cancel an order of one's own; one that is filled meanwhile is as good as canceled."""
    try:
        cancel_order(id, owner_of(request))
    except CaptureRefused as error:
        return listing(request, refused=printable(str(error)), status=400)
    return HttpResponseRedirect(reverse("perfkit:captures"))


def _number(text: str, label: str, default: float) -> float:
    text = text.strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise CaptureRefused(
            _("%(label)s: %(value)s is no number") % {"label": label, "value": repr(text[:40])}
        )
    return value
