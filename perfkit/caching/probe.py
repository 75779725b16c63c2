"""Turns what was noted of a request into an event, in the background: hashes, times, flags."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import DisallowedHost

from perfkit.caching.event import Event, Write
from perfkit.caching.fingerprint import Fingerprint
from perfkit.caching.masking import Masks
from perfkit.caching.parts import Parts
from perfkit.caching.principal import Principals, cookies_of
from perfkit.caching.sampling import Sampling
from perfkit.caching.shadow import PageKeys, ShadowRequest, seen
from perfkit.caching.shown import Shown, bare, host_of
from perfkit.caching.side_effects import cache_writes, statements
from perfkit.capture.answer import Answer, Candidate
from perfkit.capture.current import Trace
from perfkit.record import RequestRecord
from perfkit.statement import Statement, parse

#: Headers of an answer that say nothing of what is in it, or of whom it is for. An ``ETag`` and a
#: ``Last-Modified`` of the view's own do: a cache would hand them out, and browsers ask again by them.
_UNTOLD: Final = frozenset(
    (
        "age",
        "cache-control",
        "content-length",
        "date",
        "expires",
        "server",
        "server-timing",
        "traceparent",
        "vary",
        "x-correlation-id",
        "x-request-id",
        "x-response-time",
        "x-runtime",
        "x-trace-id",
    )
)

#: Headers that middlewares put on every answer of a site alike, or that hang on the body alone.
_FOR_ALL: Final = _UNTOLD | {
    "access-control-allow-origin",
    "content-encoding",
    "cross-origin-opener-policy",
    "etag",
    "last-modified",
    "permissions-policy",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
}

#: Bodies whose masked hash is remembered: most pages are the same as a moment ago.
_REMEMBERED: Final = 4_096


@dataclass(frozen=True, slots=True)
class Database:
    """What a request read from the database, as far as caching must know."""

    session_selects: int = 0
    session_ms: float = 0.0
    top_shape: int = 0
    top_identity: int = 0
    top_ms: float = 0.0
    top_tables: tuple[str, ...] = ()


class Probe:
    """One worker's side of the advisor.

    Args:
        hashes: keyed by the site's secret.
        masks: what is noise in a body.
        session_cookie: the name of the session's cookie.
        session_table: the table of sessions kept in the database.
        sampling: chooses where there is too much to note; None notes all.
    """

    def __init__(
        self,
        hashes: Fingerprint,
        masks: Masks,
        session_cookie: str,
        session_table: str,
        sampling: Sampling | None = None,
    ) -> None:
        self._hashes = hashes
        self._masks = masks
        self._principals = Principals(hashes, session_cookie)
        self._session_table = session_table
        self._sampling = sampling
        self._masked: OrderedDict[int, int] = OrderedDict()
        self._parts = Parts()
        self._keys = PageKeys()
        self._shown = Shown(hashes)

    def event(
        self, record: RequestRecord, candidate: Candidate, trace: Trace, route: str = ""
    ) -> Event | None:
        """Return a request's event; None where nothing of it could be cached whatever one did.

        Args:
            record: its facts; the queries are not needed.
            candidate: what was noted in its time.
            trace: its statements, parameters included.
            route: its label where the record has none.
        """
        route = route or record.route
        inner, outer = candidate.inner, candidate.outer
        if inner is None or outer is None:
            return None
        headers = candidate.headers
        query = headers.get("QUERY_STRING", "")
        place = (inner.language, inner.time_zone)
        path = (headers.get("scheme", ""), host_of(headers), candidate.path)
        # By the address without what follows visitors about: all of what one entry serves, or none.
        bare_url = self._hashes.parts((*path, bare(query), *place))
        weight = 1.0
        if self._sampling is not None:
            weight = self._sampling.weight(route, bare_url, record.started_at)
        if not weight:
            return None
        shadow = ShadowRequest(record.method, candidate.path, headers, inner)
        try:
            url = self._hashes.text(self._keys.of(shadow, (), inner.time_zone))
            seen_inner = seen(inner, shadow, url, self._hashes, self._keys)
            seen_outer = seen_inner
            if outer[:3] != inner[:3] or outer.updates_cache != inner.updates_cache:
                seen_outer = seen(outer, shadow, url, self._hashes, self._keys)
        except DisallowedHost:
            return None
        cookies = cookies_of(headers.get("HTTP_COOKIE", ""))
        who, audience = self._principals.principal(candidate, cookies)
        body = self._hashes.data(inner.body) if inner.body is not None else 0
        masked = self._masked_hash(body, inner.body)
        shared = 0
        if inner.body is not None and inner.status == 200:
            shared = self._parts.shared(route, url, who, masked, inner.body, record.started_at)
        database, writes = self._database(trace), statements(trace)
        if seen_inner.hit is None:  # else they may be those of the cache that is there
            writes += tuple(cache_writes(trace, *candidate.calls))
        writes += tuple(Write(*what, times) for what, times in sorted(candidate.effects.items()))
        session = candidate.session
        return Event(
            at=record.started_at,
            route=route,
            method=record.method,
            status=inner.status,
            url=url,
            bare_url=bare_url,
            address=self._hashes.parts((*path, query)),
            path=self._hashes.parts(path),
            principal=who,
            audience=audience,
            body=body,
            masked=masked,
            headers=self._hashes.parts(
                f"{name.lower()}={value}"
                for name, value in sorted(inner.headers)
                if name.lower() not in _UNTOLD
            ),
            size=inner.size,
            inner=seen_inner,
            outer=seen_outer,
            same_body=_is_same(inner, outer),
            awaited=iscoroutinefunction(candidate.view),
            shared=shared,
            streamed=inner.body is None,
            has_session=bool(cookies.get(self._principals.session_cookie))
            or "HTTP_AUTHORIZATION" in headers,
            session_read=session is not None and session.read,
            session_written=session is not None and session.written,
            session_saved=any(write.table == self._session_table for write in writes),
            user_read=candidate.user is not None,
            csrf_used=candidate.csrf_used,
            messages_read=candidate.messages_read,
            revalidates="HTTP_IF_NONE_MATCH" in headers or "HTTP_IF_MODIFIED_SINCE" in headers,
            view_ms=_spent_ms(candidate, inner),
            total_ms=record.duration_ms,
            cpu_ms=-1.0 if record.cpu_ms is None else record.cpu_ms,
            db_ms=record.db_ms,
            statements=record.statements,
            session_selects=database.session_selects,
            session_ms=database.session_ms,
            writes=tuple(each for each in writes if each.table != self._session_table),
            top_shape=database.top_shape,
            top_identity=database.top_identity,
            top_ms=database.top_ms,
            top_tables=database.top_tables,
            attributes=self._shown.attributes(
                audience, inner, {*seen_inner.varies_on, *seen_outer.varies_on}, headers, cookies
            ),
            weight=weight,
        )

    def _masked_hash(self, body: int, content: bytes | None) -> int:
        if content is None:
            return 0
        known = self._masked.get(body)
        if known is None:
            masked = self._masks.masked(content)
            known = body if masked == content else self._hashes.data(masked)
            self._masked[body] = known
            if len(self._masked) > _REMEMBERED:
                self._masked.popitem(last=False)
        return known

    def _database(self, trace: Trace) -> Database:
        selects, select_s, top, top_s = 0, 0.0, None, 0.0
        for event in trace.events:
            statement = parse(event[0])
            taken_s = event[3] - event[2]
            if statement.is_read and self._session_table in statement.tables:
                selects += 1
                select_s += taken_s
            elif statement.is_read and taken_s > top_s:
                top, top_s = event, taken_s
        if top is None:
            return Database(selects, select_s * 1000)
        statement = parse(top[0])
        return Database(
            selects,
            select_s * 1000,
            self._hashes.text(statement.shape),
            0 if top[4] is None else self._hashes.parts((top[0], repr(top[4]))),
            top_s * 1000,
            _tables(statement),
        )


def _spent_ms(candidate: Candidate, inner: Answer) -> float:
    if not candidate.view_started:  # a cache answered before any view was called
        return 0.0
    return max(inner.at - candidate.view_started, 0.0) * 1000


def _is_same(inner: Answer, outer: Answer) -> bool:
    """Tell whether the client gets what the view made; a compressed body is the same one."""
    own = {name.lower() for name, _ in inner.headers}
    if any(name.lower() not in own and name.lower() not in _FOR_ALL for name, _ in outer.headers):
        return False
    if any(name.lower() == "content-encoding" for name, _ in outer.headers):
        return True
    return inner.body is outer.body or inner.body == outer.body


def _tables(statement: Statement) -> tuple[str, ...]:
    return tuple(sorted(statement.tables))
