"""Turns what was noted of a request into an event, in the background: hashes, times, flags."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Final
from urllib.parse import parse_qsl, urlencode

from django.core.exceptions import DisallowedHost

from perfkit.caching.event import STAFF, SUPERUSER, UNKNOWN, USER, Event, Write
from perfkit.caching.fingerprint import Fingerprint
from perfkit.caching.masking import Masks
from perfkit.caching.principal import Principals, cookies_of
from perfkit.caching.sampling import Sampling
from perfkit.caching.shadow import ShadowRequest, page_key, seen
from perfkit.caching.tracking import is_tracking
from perfkit.capture.answer import Answer, Candidate
from perfkit.capture.current import Trace
from perfkit.record import RequestRecord
from perfkit.statement import WRITE_VERBS, Statement, parse

#: Headers on which no answer hangs, or only in a way that is known by another attribute.
_PASSED_OVER: Final = frozenset(
    (
        "HTTP_ACCEPT_ENCODING",
        "HTTP_AUTHORIZATION",
        "HTTP_CACHE_CONTROL",
        "HTTP_CONNECTION",
        "HTTP_COOKIE",
        "HTTP_DNT",
        "HTTP_FORWARDED",
        "HTTP_HOST",
        "HTTP_IF_MODIFIED_SINCE",
        "HTTP_IF_NONE_MATCH",
        "HTTP_PRAGMA",
        "HTTP_PRIORITY",
        "HTTP_REFERER",
        "HTTP_SEC_CH_UA",
        "HTTP_SEC_FETCH_DEST",
        "HTTP_SEC_FETCH_MODE",
        "HTTP_SEC_FETCH_SITE",
        "HTTP_SEC_FETCH_USER",
        "HTTP_TRACEPARENT",
        "HTTP_TRACESTATE",
        "HTTP_UPGRADE_INSECURE_REQUESTS",
        "HTTP_USER_AGENT",
        "HTTP_VIA",
        "HTTP_X_FORWARDED_FOR",
        "HTTP_X_FORWARDED_HOST",
        "HTTP_X_FORWARDED_PORT",
        "HTTP_X_FORWARDED_PROTO",
        "HTTP_X_REAL_IP",
        "HTTP_X_REQUEST_ID",
        "HTTP_X_REQUEST_START",
    )
)

#: Attributes kept of one request, and letters of a name: a client may send any number of any length.
MOST_ATTRIBUTES: Final = 24
_LONGEST_NAME: Final = 60
_MOST_PARAMETERS: Final = 200

#: Headers of an answer that say nothing of what is in it, or of whom it is for.
_UNTOLD: Final = frozenset(
    (
        "age",
        "cache-control",
        "content-length",
        "date",
        "etag",
        "expires",
        "last-modified",
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

#: Bodies whose masked hash is remembered: most pages are the same as a moment ago.
_REMEMBERED: Final = 4_096

_MOBILE: Final = ("mobi", "android", "iphone", "ipad")


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

    def event(self, record: RequestRecord, candidate: Candidate, trace: Trace) -> Event | None:
        """Return a request's event; None where nothing of it could be cached whatever one did.

        Args:
            record: its facts; the queries are not needed.
            candidate: what was noted in its time.
            trace: its statements, parameters included.
        """
        inner, outer = candidate.inner, candidate.outer
        if inner is None or outer is None:
            return None
        headers = candidate.headers
        query = headers.get("QUERY_STRING", "")
        place = (inner.language, inner.time_zone)
        path = (headers.get("scheme", ""), _host(headers), candidate.path)
        # By the address without what follows visitors about: all of what one entry serves, or none.
        bare_url = self._hashes.parts((*path, bare(query), *place))
        weight = 1.0
        if self._sampling is not None:
            weight = self._sampling.weight(record.route, bare_url, record.started_at)
        if not weight:
            return None
        shadow = ShadowRequest(record.method, candidate.path, headers, inner)
        try:
            url = self._hashes.text(page_key(shadow, (), inner.time_zone))
            seen_inner = seen(inner, shadow, url, self._hashes)
            seen_outer = seen(outer, shadow, url, self._hashes)
        except DisallowedHost:
            return None
        cookies = cookies_of(headers.get("HTTP_COOKIE", ""))
        who, audience = self._principals.principal(candidate, cookies)
        body = self._hashes.data(inner.body) if inner.body is not None else 0
        database, writes = self._database(trace), _writes(trace)
        session = candidate.session
        return Event(
            at=record.started_at,
            route=record.route,
            method=record.method,
            status=inner.status,
            url=url,
            bare_url=bare_url,
            address=self._hashes.parts((*path, query)),
            path=self._hashes.parts(path),
            principal=who,
            audience=audience,
            body=body,
            masked=self._masked_hash(body, inner.body),
            headers=self._hashes.parts(
                f"{name.lower()}={value}"
                for name, value in sorted(inner.headers)
                if name.lower() not in _UNTOLD
            ),
            size=inner.size,
            inner=seen_inner,
            outer=seen_outer,
            same_body=_is_same(inner, outer),
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
            view_ms=max(inner.at - candidate.view_started, 0.0) * 1000,
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
            attributes=self._attributes(
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

    def _attributes(
        self,
        audience: int,
        inner: Answer,
        varies_on: set[str],
        headers: dict[str, str],
        cookies: dict[str, str],
    ) -> tuple[tuple[str, int], ...]:
        """Hash what an answer may hang on; who is not known to be logged in is told apart from both."""
        named = {
            "language": inner.language,
            "time_zone": inner.time_zone,
            "host": _host(headers),
            "scheme": headers.get("scheme", ""),
            "logged_in": "?" if audience == UNKNOWN else str(audience in (USER, STAFF, SUPERUSER)),
            "staff": str(audience in (STAFF, SUPERUSER)),
            "superuser": str(audience == SUPERUSER),
            "mobile": str(_is_mobile(headers.get("HTTP_USER_AGENT", ""))),
        }
        for name in ("cookie", *sorted(varies_on)):
            named[f"header:{name}"] = headers.get(f"HTTP_{name.replace('-', '_').upper()}", "")
        named |= _named("query", _pairs(headers.get("QUERY_STRING", "")) or ())
        named |= _named("cookie", cookies.items())
        named |= _named(
            "header",
            (
                (name[5:].replace("_", "-").lower(), value)
                for name, value in headers.items()
                if name[:5] == "HTTP_" and name not in _PASSED_OVER
            ),
        )
        kept = list(named.items())[:MOST_ATTRIBUTES]
        return tuple(sorted((name, self._hashes.text(value)) for name, value in kept))


def writes_in(trace: Trace, session_table: str) -> tuple[Write, ...]:
    """Return what a request changed in the database, its session aside."""
    return tuple(each for each in _writes(trace) if each.table != session_table)


def _writes(trace: Trace) -> tuple[Write, ...]:
    found: Counter[tuple[str, str]] = Counter()
    for event in trace.events:
        statement = parse(event[0])
        if statement.verb in WRITE_VERBS:
            found.update((statement.verb, table) for table in statement.tables[:1])
    return tuple(Write(verb, table, times) for (verb, table), times in sorted(found.items()))


def _named(kind: str, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        # A name that has no value may be one itself (`?alice@example.com`), and none leaves the process.
        key = f"{kind}:{name[:_LONGEST_NAME] if value else ''}"
        value = value or name
        # `?tag=a&tag=b` hangs on both.
        found[key] = f"{found[key]}&{value}" if key in found else value
    return found


def bare(query: str) -> str:
    """Return a query without tracking parameters and in one order; what cannot be read stays as it is.

    Parameters of one name keep theirs: a view takes the last one.
    """
    pairs = _pairs(query)
    if pairs is None:
        return query
    return urlencode(
        sorted((pair for pair in pairs if not is_tracking(pair[0])), key=itemgetter(0))
    )


def _pairs(query: str) -> list[tuple[str, str]] | None:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return None


def _is_same(inner: Answer, outer: Answer) -> bool:
    """Tell whether the client gets what the view made; a compressed body is the same one."""
    if any(name.lower() == "content-encoding" for name, _ in outer.headers):
        return True
    return inner.body is outer.body or inner.body == outer.body


def _host(headers: dict[str, str]) -> str:
    return headers.get("HTTP_HOST", headers.get("SERVER_NAME", ""))


def _is_mobile(user_agent: str) -> bool:
    lower = user_agent.lower()
    return any(word in lower for word in _MOBILE)


def _tables(statement: Statement) -> tuple[str, ...]:
    return tuple(sorted(statement.tables))
