"""Starts a capture of a page from the toolbar, and lists those of its route."""

from __future__ import annotations

from time import time
from typing import Any, Final

from django.db.utils import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from perfkit.conf import get_settings
from perfkit.errors import CaptureRefused, StoreError
from perfkit.profiling.start import PERMISSION, is_allowed, page_token, set_cookie
from perfkit.report.wording import age
from perfkit.store.captures import CaptureRow, listed
from perfkit_panels.refusal import Refusal
from perfkit_panels.views import answer, stored, told, toolbar_view

PANEL: Final = "PerfkitProfilePanel"
MOST_LISTED: Final = 20


@toolbar_view("GET")
def captures(request: HttpRequest) -> HttpResponse:
    """List the captures of a request's route that the user may see."""
    head = stored(request.GET, PANEL)["head"]
    rows = _listed(_owner(request), head["route"], head["method"])
    now = time()
    shown = [{"row": row, "url": page_of(row.id), "age": age(now - row.at)} for row in rows]
    return answer("captures.html", {"captures": shown, "has_pages": bool(page_of("x"))})


@toolbar_view("POST")
def capture(request: HttpRequest) -> HttpResponse:
    """Give the browser a token: the next request to the page is captured, once."""
    owner = _owner(request)
    stats = stored(request.POST, PANEL)
    method = stats["head"]["method"]
    try:
        token = page_token(
            request,
            owner=owner,
            path=stats["path"],
            method=method,
            engine=str(request.POST.get("engine", "")),
        )
    except CaptureRefused as refused:
        return told(_("No capture: %s") % refused)
    response = answer(
        "started.html",
        {"path": stats["path"], "method": method},
        # The script loads the page anew, where that is the page that it stands in.
        path=stats["path"] if method == "GET" else "",
    )
    set_cookie(response, request, token)
    return response


def _owner(request: HttpRequest) -> str:
    """Return the key of the user, who must be allowed to see what a capture shows."""
    user = getattr(request, "user", None)
    if not is_allowed(user):
        raise Refusal(
            _(
                "Captures are for staff with the permission %s: log in as such a user, a superuser "
                "for instance"
            )
            % PERMISSION
        )
    return str(getattr(user, "pk", ""))


def _listed(owner: str, name: str, method: str) -> tuple[CaptureRow, ...]:
    database: Any = get_settings().store
    if database is None:
        raise Refusal(_("Captures need a store: PERFKIT['STORE'] is False"))
    try:
        rows = listed(database, owner, name=name, method=method, limit=MOST_LISTED)
    except (DatabaseError, StoreError, OSError) as error:
        raise Refusal(_("The store cannot be read: %s") % type(error).__name__) from None
    return tuple(row for row in rows if row.name == name)


def page_of(capture_id: str) -> str:
    """Return the address of a capture's page; ``""`` where the site does not include them."""
    try:
        return reverse("perfkit:capture", args=[capture_id])
    except NoReverseMatch:
        return ""
