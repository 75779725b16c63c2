"""What is noted of one request for the cache advisor: hashes, times and flags, no value of the site's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

#: Who asked. ``UNKNOWN`` has a session that this request did not look into; another request of the
#: same principal may tell.
ANONYMOUS: Final = 0
USER: Final = 1
STAFF: Final = 2
SUPERUSER: Final = 3
UNKNOWN: Final = 9


class Seen(NamedTuple):
    """An answer at one place: as a decorator on the view sees it, or as the outermost middleware does.

    Attributes:
        stored: the installed Django would store it there, with a timeout given by a decorator.
        max_age: seconds of its own ``max-age``, -1 without one.
        varies_on: names of the request headers that its key is made of, sorted, lower case.
        key: hash of Django's own page key: URL, language, time zone and the values of ``varies_on``.
        sets_cookie: it sets a cookie of whatever name.
        no_store: it forbids storing: ``private``, ``no-cache`` or ``no-store``.
        public: it says ``public``.
        s_maxage: seconds of its ``s-maxage``, -1 without one.
        hit: Django's own cache answered at this place; None where none is asked there.
    """

    stored: bool
    max_age: int
    varies_on: tuple[str, ...]
    key: int
    sets_cookie: bool = False
    no_store: bool = False
    public: bool = False
    s_maxage: int = -1
    hit: bool | None = None


class Write(NamedTuple):
    """Statements of a request that changed a table, or what else it did that a hit would leave out."""

    verb: str
    table: str
    times: int


@dataclass(frozen=True, slots=True)
class Event:
    """One request. Every hash is 8 bytes, keyed from SECRET_KEY: equal in all workers, not reversible.

    Attributes:
        at: when it began, ``time.time()``.
        worker: index of the worker within what was read; set by the reader, 0 in a worker.
        route, method, status: as in the report; a POST is noted too, with what it wrote only.
        url: hash of scheme, host, path and query as sent, with the language and time zone in force.
        bare_url: the same without tracking parameters and with the others sorted.
        address: hash of scheme, host, path and query as sent, whatever the language: a CDN's key.
        path: hash of scheme, host and path.
        principal: hash of the session's cookie or the Authorization header, else of address and browser.
        audience: ``ANONYMOUS``, ``USER``, ``STAFF``, ``SUPERUSER`` or ``UNKNOWN``.
        body, masked: hashes of the body as sent, and with tokens, nonces and request ids masked; 0
            when there is none (streamed, not read). Of the innermost answer, not compressed.
        headers: hash of what else the reader gets: every header of the view's that is no date and the like.
        size: bytes of the body.
        inner, outer: the answer at both places; None where it did not pass there.
        same_body: the client gets what the view made: body (compression aside), and no header that a
            middleware could have made for somebody.
        awaited: the view is a coroutine function.
        shared: how much of the body another visitor got too when it differed, 1 to 255; 0 where none was
            compared.
        streamed: it was streamed, or its body was beyond the cap.
        has_session: it came with a session's cookie or an ``Authorization`` header.
        session_read, session_written, session_saved: what the request did with its session.
        user_read: it resolved ``request.user``.
        csrf_used: it made a CSRF token.
        messages_read: it showed messages.
        revalidates: the client sent ``If-None-Match`` or ``If-Modified-Since``.
        view_ms, total_ms, cpu_ms, db_ms: milliseconds; ``view_ms`` with rendering, without middleware;
            ``cpu_ms`` -1.0 where it is not known.
        statements: how many it ran.
        session_selects, session_ms: statements that read the session's table, and their time.
        writes: what it did besides answering: in the database, the session's table aside; ``SEND mail``,
            ``SAVE file``, and ``INCR cache default`` and the like.
        top_shape, top_identity, top_ms: its costliest SELECT: hash of the shape, hash with parameters,
            milliseconds; 0 without one, and the second 0 too where its parameters are not known.
        top_tables: the tables it reads.
        attributes: (name, hash of the value) of what an answer may hang on, sorted: ``cookie:theme``,
            ``header:hx-request``, ``query:page``, ``language``, ``time_zone``, ``host``, ``scheme``,
            ``logged_in``, ``staff``, ``superuser``, ``mobile``; ``header:cookie`` is the whole header.
            ``network`` is where it comes from, ``headers`` all of them at once: they tell like requests.
            A header that an answer varies on is always among them.
        weight: for how many requests it stands: 1, or 1 / R in the sampled tail.
    """

    at: float
    route: str
    method: str
    status: int
    url: int
    bare_url: int
    address: int
    path: int
    principal: int
    audience: int
    body: int = 0
    masked: int = 0
    headers: int = 0
    size: int = 0
    inner: Seen | None = None
    outer: Seen | None = None
    same_body: bool = True
    awaited: bool = False
    shared: int = 0
    streamed: bool = False
    has_session: bool = False
    session_read: bool = False
    session_written: bool = False
    session_saved: bool = False
    user_read: bool = False
    csrf_used: bool = False
    messages_read: bool = False
    revalidates: bool = False
    view_ms: float = 0.0
    total_ms: float = 0.0
    cpu_ms: float = -1.0
    db_ms: float = 0.0
    statements: int = 0
    session_selects: int = 0
    session_ms: float = 0.0
    writes: tuple[Write, ...] = ()
    top_shape: int = 0
    top_identity: int = 0
    top_ms: float = 0.0
    top_tables: tuple[str, ...] = ()
    attributes: tuple[tuple[str, int], ...] = ()
    weight: float = 1.0
    worker: int = 0
