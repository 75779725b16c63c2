"""Who gets in: staff with the permission. To everyone else each of our URLs is a 404."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from perfkit.profiling.start import is_allowed

View = Callable[..., HttpResponseBase]

#: Headers of every answer but the assets', which may be kept.
_HEADERS: Final = {
    "Cache-Control": "no-store, private",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": a form would then come from the origin "null", which Django's CSRF refuses.
    "Referrer-Policy": "same-origin",
}


def for_staff(*methods: str) -> Callable[[View], View]:
    """Let a view answer only users who may see captures.

    The permission comes first, so that a stranger is not even told a wrong method or a missing CSRF
    token: Django's own middleware is told to leave the view alone, and the same check stands inside,
    where it works without that middleware too. ``LoginRequiredMiddleware`` would redirect.

    Args:
        methods: that the view takes.
    """

    def decorate(view: View) -> View:
        protected = csrf_protect(view)

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not is_allowed(getattr(request, "user", None)):
                raise Http404
            response: HttpResponseBase
            if request.method not in methods:
                response = HttpResponseNotAllowed(methods)
            else:
                response = protected(request, *args, **kwargs)
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        answered: Any = csrf_exempt(guarded)
        answered.login_required = False
        return answered  # type: ignore[no-any-return]  # decorators of Django's are typed for views of one kind

    return decorate


def owner_of(request: HttpRequest) -> str:
    """Return the key of the user who asks, as captures name their owner."""
    return str(getattr(request, "user").pk)  # noqa: B009 - the stubs know a request without users
