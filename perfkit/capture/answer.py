"""Notes an answer where a view hands it over, before any middleware has touched it, and at its end.

References and flags only: nothing is hashed, rendered or decoded here, and nothing lazy of the
request's or the session's is touched, because that alone would make an answer vary on its cookie.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import SimpleLazyObject
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import get_language

from perfkit.capture import effects
from perfkit.capture.current import current
from perfkit.capture.parts import find

_HANDLER: Any = find("django.core.handlers.base:BaseHandler")
_original_check: Any = find("django.core.handlers.base:BaseHandler.check_response")
_original_resolve: Any = find("django.core.handlers.base:BaseHandler.resolve_request")

#: Methods whose answers a cache may give.
CANDIDATE_METHODS = frozenset({"GET", "HEAD"})

#: A body longer than this is not looked at. Bytes.
LONGEST_BODY = 4_000_000

#: Patterns of routes (``ResolverMatch.route``) that are never candidates, learned in the background.
never: set[str] = set()


class Answer(NamedTuple):
    """An answer as it stood at one place.

    ``body`` is None when it was streamed or is too long. ``language`` is "" where none is active.
    ``updates_cache`` is False where Django's own cache answered, True where it was asked in vain
    and will store, None where no cache stands so far outside.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    cookies: tuple[str, ...]
    body: bytes | None
    size: int
    streaming: bool
    language: str
    time_zone: str
    updates_cache: bool | None
    at: float


class Candidate:
    """A request whose answer might be cached, until it has been looked at in the background.

    Attributes:
        request: None once the request has ended.
        view_started: ``perf_counter()`` seconds, 0.0 when no view was reached.
        place: language and time zone in force when the view was called, which Django's cache looks
            an answer up by; a view that activates others answers under the wrong key.
        inner, outer: its answer where the view handed it over, and where the client gets it.
        headers: the request's ``HTTP_*`` variables, and what else tells who asks for what.
        session, user: what the request has done with them, read at its end.
        view: what was called.
        calls: places in the trace's cache calls between which those of the view are.
        effects: (verb, what) -> how often the view did it: mails sent, files saved.
        pattern: text of the URL pattern that matched, "" where none was looked for.
        path_info, urlconf: what that is looked up by, where a cache answered before it was done.
    """

    __slots__ = (
        "calls",
        "csrf_used",
        "effects",
        "headers",
        "inner",
        "messages_read",
        "outer",
        "path",
        "path_info",
        "pattern",
        "place",
        "request",
        "session",
        "urlconf",
        "user",
        "view",
        "view_started",
    )

    def __init__(self, request: HttpRequest) -> None:
        self.request: HttpRequest | None = request
        self.view_started = 0.0
        self.place: tuple[str, str] | None = None
        self.inner: Answer | None = None
        self.outer: Answer | None = None
        self.path = ""
        self.headers: dict[str, str] = {}
        self.session: Session | None = None
        self.user: User | None = None
        self.csrf_used = self.messages_read = False
        self.view: Any = None
        self.calls = (0, 0)
        self.effects: dict[tuple[str, str], int] = {}
        self.pattern = self.path_info = ""
        self.urlconf: Any = None

    def begin_view(self, calls: int) -> None:
        """Note when, and where in the world, the view is called, and how often the cache was so far."""
        if self.request is not None:
            self.place = _place(self.request)
        self.calls = (calls, calls)
        self.view_started = perf_counter()

    def note_effect(self, verb: str, what: str) -> None:
        """Note what a view does besides answering; whatever a middleware does a hit does not leave out."""
        if self.place is not None and self.inner is None:
            key = (verb, what)
            self.effects[key] = self.effects.get(key, 0) + 1

    def note_view(self, response: Any, view: Any, calls: int) -> None:
        """Note what a view returned, once it is rendered."""
        if self.request is None or self.is_never(self.request):
            return
        self.view, self.calls = view, (self.calls[0], calls)
        if callable(getattr(response, "render", None)) and not response.is_rendered:
            response.add_post_render_callback(self.note_rendered)
        else:
            self.note_rendered(response)

    @staticmethod
    def is_never(request: HttpRequest) -> bool:
        """Tell whether a request's route is never a candidate."""
        match = request.resolver_match
        return match is not None and match.route in never

    def note_rendered(self, response: Any) -> None:
        """Note a view's answer as it is now."""
        if self.request is not None:
            self.inner = answer(response, self.request, *(self.place or _place(self.request)))

    def end(self, response: HttpResponseBase) -> None:
        """Note the answer as the client gets it, and what the request has done; let go of it."""
        request, self.request = self.request, None
        if request is None:
            return
        if self.inner is None and vars(request).get("_cache_update_cache") is False:
            # A cache around the whole site answered before a view was looked for.
            self.inner = answer(response, request, *_place(request))
            self.path_info, self.urlconf = request.path_info, vars(request).get("urlconf")
        elif self.inner is None:
            if self.place is None or response.status_code == 200 or self.is_never(request):
                return
            # A view that raised, as it does for a page that somebody may not see: a refusal.
            self.inner = answer(response, request, *self.place)
        self.outer = answer(response, request, self.inner.language, self.inner.time_zone)
        meta = request.META
        self.path = request.path
        match = request.resolver_match
        self.pattern = (match.route if match is not None else "") or ""
        self.headers = {
            name: value
            for name, value in meta.items()
            if isinstance(value, str) and (name[:5] == "HTTP_" or name in _WHO_AND_WHAT)
        }
        self.headers["scheme"] = request.scheme or ""
        known = vars(request)
        self.session = _session(known.get("session"))
        self.user = _user(known.get("_cached_user") or known.get("_acached_user") or _set(known))
        self.csrf_used = "CSRF_COOKIE_NEEDS_UPDATE" in meta
        self.messages_read = bool(vars(known.get("_messages") or _NOTHING).get("used"))


class Session(NamedTuple):
    """What a request has done with its session; ``user`` says that somebody is logged in by it."""

    read: bool
    written: bool
    user: bool | None


class User(NamedTuple):
    """The user that a request has resolved."""

    logged_in: bool
    staff: bool
    superuser: bool


class _Nothing:
    pass


_NOTHING = _Nothing()
_WHO_AND_WHAT = frozenset({"QUERY_STRING", "REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT"})


def answer(response: Any, request: HttpRequest, language: str, time_zone: str) -> Answer:
    """Take down an answer; its body by reference."""
    streaming = bool(response.streaming)
    body = None if streaming else response.content
    size = 0 if body is None else len(body)
    return Answer(
        response.status_code,
        # As ``items()`` has them, without asking for each by its name in lower case.
        tuple(response.headers._store.values()),
        tuple(response.cookies),
        body if size <= LONGEST_BODY else None,
        size,
        streaming,
        language,
        time_zone,
        vars(request).get("_cache_update_cache"),
        perf_counter(),
    )


def _place(request: HttpRequest) -> tuple[str, str]:
    language = vars(request).get("LANGUAGE_CODE") or get_language() or ""
    return language, get_current_timezone_name()


def _session(session: Any) -> Session | None:
    """Read a session's own flags; anything else of it would count as an access."""
    if session is None:
        return None
    known = vars(session)
    loaded = known.get("_session_cache")
    user = "_auth_user_id" in loaded if isinstance(loaded, dict) else None
    return Session(bool(known.get("accessed")), bool(known.get("modified")), user)


def _set(known: dict[str, Any]) -> Any:
    """Return the user that somebody has set himself, as REST framework does; never a lazy one."""
    user = known.get("user")
    return None if type(user) is SimpleLazyObject else user


def _user(user: Any) -> User | None:
    """Read a user's own row; its properties are the site's code and may ask a database."""
    if user is None:
        return None
    known = getattr(user, "__dict__", {})
    # A row of a model has a state; Django's AnonymousUser is none.
    return User("_state" in known, bool(known.get("is_staff")), bool(known.get("is_superuser")))


def check_response(self: Any, response: Any, callback: Any, name: str | None = None) -> None:
    """Stand in for ``BaseHandler.check_response``, which Django calls with each view's answer."""
    _original_check(self, response, callback, name)
    if name is None:
        trace = current.get()
        if trace is not None and trace.candidate is not None:
            try:
                trace.candidate.note_view(response, callback, len(trace.cache_events))
            except Exception as error:  # the answer must go its way for all that
                trace.fail("answer hook", error)


def resolve_request(self: Any, request: HttpRequest) -> Any:
    """Stand in for ``BaseHandler.resolve_request``, which Django calls right before the view."""
    found = _original_resolve(self, request)
    trace = current.get()
    if trace is not None and trace.candidate is not None:
        try:
            trace.candidate.begin_view(len(trace.cache_events))
        except Exception as error:  # the request must go its way for all that
            trace.fail("answer hook", error)
    return found


def install() -> None:
    """Put the two functions into Django's handler."""
    _HANDLER.check_response = check_response
    _HANDLER.resolve_request = resolve_request
    effects.install()


def uninstall() -> None:
    """Take them out again."""
    _HANDLER.check_response = _original_check
    _HANDLER.resolve_request = _original_resolve
    effects.uninstall()
    never.clear()
