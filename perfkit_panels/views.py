"""What all views of the panels share: who may call them, how they answer, and the token for POST."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from debug_toolbar.decorators import render_with_toolbar_language, require_show_toolbar
from debug_toolbar.toolbar import DebugToolbar
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from perfkit.isolation import isolated
from perfkit_panels import assets
from perfkit_panels.refusal import Refusal
from perfkit_panels.rendering import rendered

View = Callable[[HttpRequest], HttpResponse]

#: Digits of a statement's number; panels list far fewer.
_LONGEST_NUMBER: Final = 6
_LONGEST_ID: Final = 64


def toolbar_view(method: str) -> Callable[[View], View]:
    """Make a view one of the toolbar's: for those who see it, checked against forgery, never a 500.

    It answers ``{"content": "<html>"}``. A refusal, and an error of ours, is a line in the panel.

    Args:
        method: the one that it takes.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest) -> HttpResponse:
            with isolated(f"panel view {view.__name__}"):
                try:
                    return view(request)
                except Refusal as refusal:
                    return told(str(refusal))
            return told(_("perfkit failed here; see the log"))

        made: Any = render_with_toolbar_language(guarded)
        made = require_http_methods([method])(never_cache(csrf_protect(made)))
        # Whoever does not see the toolbar gets a 404, whatever the method and the token.
        return login_not_required(require_show_toolbar(made))  # type: ignore[no-any-return]  # untyped

    return decorate


def told(sentence: str) -> JsonResponse:
    """Answer with a sentence instead of what was asked for."""
    return JsonResponse({"content": rendered("said.html", {"sentence": sentence})})


def answer(template: str, context: dict[str, Any], **further: Any) -> JsonResponse:
    """Answer with a template of ours."""
    return JsonResponse({"content": rendered(template, context), **further})


def stored(given: Any, panel_id: str) -> dict[str, Any]:
    """Return what a panel stored of the request that is asked about.

    Args:
        given: ``request.GET`` or ``request.POST``.
        panel_id: name of the panel's class.

    Raises:
        Refusal: it is there no more, or there is nothing to tell.
    """
    request_id = str(given.get("request_id", ""))
    toolbar = None
    if 0 < len(request_id) <= _LONGEST_ID and request_id.isalnum():
        toolbar = DebugToolbar.fetch(request_id, panel_id)
    if toolbar is None:
        raise Refusal(
            _("This request is not in the toolbar's history any more: load the page anew")
        )
    stats: dict[str, Any] = toolbar.get_panel_by_id(panel_id).get_stats()
    if not stats or stats.get("problem"):
        raise Refusal(_("Nothing is known of this request"))
    return stats


def number_of(given: Any, name: str) -> int:
    """Return a whole number that was sent; -1 where it is none."""
    text = str(given.get(name, ""))
    fits = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER
    return int(text) if fits else -1


@toolbar_view("GET")
def token(request: HttpRequest) -> HttpResponse:
    """Return the token that each POST of the panels bears: their HTML is made without a request."""
    return JsonResponse({"token": get_token(request)})


def shared_urls() -> list[URLPattern]:
    """Return the addresses that all panels need."""
    served: Any = login_not_required(require_show_toolbar(assets.asset))
    return [
        path("perfkit/assets/<str:version>/<str:name>", served, name="perfkit_asset"),
        path("perfkit/token/", token, name="perfkit_token"),
    ]
