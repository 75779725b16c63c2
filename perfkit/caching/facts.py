"""What was seen of one route, in the figures by which it is judged."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from types import MappingProxyType
from typing import Final

from perfkit.caching.columns import HIT, NOT_ASKED, Columns
from perfkit.caching.event import ANONYMOUS, STAFF, SUPERUSER, UNKNOWN, USER
from perfkit.caching.pairs import Comparisons, compare, status_version
from perfkit.caching.parts import WHOLE
from perfkit.statement import WRITE_VERBS

#: What was done -> the reason, where it is no statement: the first word of its ``Write.table``.
_EFFECTS: Final = {"cache": "cache_written", "mail": "mail_sent", "file": "file_saved"}

#: Attributes that are a question of the audience, and who is meant.
_AUDIENCES = {
    "logged_in": frozenset((USER, STAFF, SUPERUSER)),
    "staff": frozenset((STAFF, SUPERUSER)),
    "superuser": frozenset((SUPERUSER,)),
}

#: So many of the changes come with a request that looks who asks, and so few of all requests look, where
#: something below keeps what the first visitor got.
_NEARLY_ALL: Final = 0.9
_SELDOM: Final = 0.25


@dataclass(frozen=True, slots=True)
class Facts:
    """One route. Shares are of its GET requests, from 0 to 1; sums stand for sampled ones too.

    Attributes:
        columns: its events.
        good: indexes of the GETs answered by 200 with a whole body.
        hours: from the first to the last event of the whole site, at least a minute.
        requests, gets, answered: all, GETs, GETs answered by 200.
        statuses: GETs by status.
        streamed, forbidden, sets_cookie, session_written, session_read, user_read, csrf, messages,
            revalidates, awaited: shares of what was seen.
        effects: reason -> share of the GETs that did so: wrote, sent a mail, ...
        writes: (verb, table) -> statements that GETs ran, and what else they did.
        written: table -> when something wrote to it, on any route.
        session_selects, session_ms: statements that read a session from the database, and their time.
        shared: share of a page that another visitor got too who got another one; None where none did.
        keys: addresses that were answered, and ``lonely_keys`` of them asked for by one principal.
        principals: who got an answer, and ``audiences`` how many answers of each audience.
        unread: share answered by 200 whose body was streamed or beyond the cap.
        closed: addresses that nobody got who is not logged in.
        kept_below: a view looks who asks now and then only, for what others get too.
        crew: staff were seen, on this route or another.
        comparisons: of what different principals got.
        refusals: the same of whether they got it.
        hit_share: share of the GETs that Django's own cache answered, None where none was asked.
        view_ms, total_ms: what the answers took, all together, without and with the middlewares.
    """

    columns: Columns
    good: list[int]
    hours: float
    requests: float
    gets: float
    answered: float
    statuses: Counter[int]
    streamed: float
    forbidden: float
    sets_cookie: float
    session_written: float
    session_read: float
    user_read: float
    csrf: float
    messages: float
    revalidates: float
    awaited: float
    effects: dict[str, float]
    writes: Counter[tuple[str, str]]
    written: Mapping[str, Sequence[float]]
    session_selects: float
    session_ms: float
    shared: float | None
    keys: int
    lonely_keys: int
    lonely_paths: float
    principals: int
    audiences: Counter[int]
    unread: float
    closed: int
    kept_below: bool
    crew: bool
    comparisons: Comparisons
    refusals: Comparisons
    hit_share: float | None
    view_ms: float
    total_ms: float

    @property
    def staff_share(self) -> float:
        """Share of the answers that staff got."""
        crew = self.audiences[STAFF] + self.audiences[SUPERUSER]
        return crew / max(self.audiences.total(), 1)

    @property
    def looks(self) -> bool:
        """Whether the view looks who asks."""
        return self.user_read > 0 or self.session_read > 0

    @property
    def members(self) -> int:
        """Answers that somebody got who is logged in, staff or not."""
        return self.audiences.total() - self.audiences[ANONYMOUS] - self.audiences[UNKNOWN]


def facts_of(
    columns: Columns,
    hours: float,
    *,
    crew: bool = False,
    written: Mapping[str, Sequence[float]] = MappingProxyType({}),
) -> Facts:
    """Look at a route's events.

    Args:
        columns: the route's.
        hours: that were observed.
        crew: staff were seen on another route.
        written: what ``writes_of`` returned of all routes.
    """
    weight = columns.weight
    gets = [at for at, method in enumerate(columns.methods) if method == "GET" and columns.url[at]]
    good = [at for at in gets if columns.status[at] == 200 and not columns.streamed[at]]
    total = sum(weight[at] for at in gets)
    statuses: Counter[int] = Counter()
    for at in gets:
        statuses[columns.status[at]] += 1
    writes: Counter[tuple[str, str]] = Counter()
    for at in gets:
        for write in columns.writes.get(at, ()):
            writes[write.verb, write.table] += int(write.times * weight[at])

    def share(name: str) -> float:
        column = getattr(columns, name)
        return float(sum(weight[at] for at in gets if column[at])) / (total or 1.0)

    def share_of(events: Iterable[int]) -> float:
        return float(sum(weight[at] for at in events)) / (total or 1.0)

    # Whatever is no error and no "you have it": another status is another answer, mostly a refusal.
    judged = [at for at in gets if columns.status[at] < 500 and columns.status[at] != 304]
    asked = [at for at in gets if columns.inner_hit[at] != NOT_ASKED]
    by_key: dict[int, set[int]] = defaultdict(set)
    by_path: dict[int, set[int]] = defaultdict(set)
    is_open: set[int] = set()
    for at in good:
        by_key[columns.url[at]].add(columns.principal[at])
        by_path[columns.path[at]].add(columns.principal[at])
        if columns.audience[at] == ANONYMOUS and not columns.has_session[at]:
            is_open.add(columns.url[at])
    shared = [columns.shared[at] for at in good if columns.shared[at]]
    lonely_paths = sum(len(who) == 1 for who in by_path.values()) / max(len(by_path), 1)
    return Facts(
        columns=columns,
        good=good,
        hours=hours,
        requests=sum(weight),
        gets=total,
        answered=sum(weight[at] for at in good),
        statuses=statuses,
        streamed=share_of(at for at in gets if _is_stream(columns, at)),
        forbidden=share_of(
            at for at in gets if columns.inner_no_store[at] and columns.status[at] == 200
        ),
        sets_cookie=share("inner_sets_cookie"),
        session_written=share("session_written"),
        session_read=share("session_read"),
        user_read=share("user_read"),
        csrf=share("csrf_used"),
        messages=share("messages_read"),
        revalidates=share("revalidates"),
        awaited=share("awaited"),
        effects={
            slug: share_of(at for at in gets if slug in _effects(columns, at))
            for slug in ("writes_on_get", *_EFFECTS.values())
        },
        writes=writes,
        written=written,
        session_selects=sum(weight[at] * columns.session_selects[at] for at in good),
        session_ms=sum(weight[at] * columns.session_ms[at] for at in good),
        shared=fmean(shared) / WHOLE if shared else None,
        keys=len(by_key),
        lonely_keys=sum(len(who) == 1 for who in by_key.values()),
        lonely_paths=lonely_paths,
        principals=len(set().union(*by_key.values())) if by_key else 0,
        audiences=(audiences := Counter(columns.audience[at] for at in good)),
        unread=share_of(at for at in gets if columns.status[at] == 200 and columns.streamed[at]),
        closed=len(by_key.keys() - is_open),
        kept_below=_is_kept_below(columns, good),
        crew=crew or audiences[STAFF] + audiences[SUPERUSER] > 0,
        comparisons=compare(columns, good),
        refusals=compare(columns, judged, version=status_version),
        hit_share=(
            sum(weight[at] for at in asked if columns.inner_hit[at] == HIT)
            / sum(weight[at] for at in asked)
            if asked
            else None
        ),
        view_ms=sum(weight[at] * columns.view_ms[at] for at in good),
        total_ms=sum(weight[at] * columns.total_ms[at] for at in good),
    )


def _effects(columns: Columns, at: int) -> set[str]:
    """Return the reasons that stand for what a request did besides answering."""
    return {
        "writes_on_get" if what.verb in WRITE_VERBS else _EFFECTS[what.table.partition(" ")[0]]
        for what in columns.writes.get(at, ())
    }


def writes_of(routes: Iterable[Columns]) -> dict[str, list[float]]:
    """Return table -> when something wrote to it, in the order of time."""
    found: dict[str, list[float]] = defaultdict(list)
    for columns in routes:
        for at, writes in columns.writes.items():
            for write in writes:
                if write.verb in WRITE_VERBS:
                    found[write.table].append(columns.at[at])
    return {table: sorted(times) for table, times in found.items()}


def _is_stream(columns: Columns, at: int) -> bool:
    return bool(columns.streamed[at]) and columns.size[at] == 0


def _is_kept_below(columns: Columns, events: Iterable[int]) -> bool:
    """Tell whether the answer changes when it is looked who asks, which is seldom done.

    So it is where a template fragment is kept that says who its first visitor was.
    """
    latest: dict[int, int] = {}
    looking = first = every = changes = 0
    for at in events:
        url, body = columns.url[at], columns.masked[at]
        looks = bool(columns.user_read[at] or columns.session_read[at])
        is_new = latest.get(url) != body
        latest[url] = body
        every += 1
        changes += is_new
        looking += looks
        first += looks and is_new
    return first >= _NEARLY_ALL * changes > 0 and looking <= _SELDOM * every


def resolve_audiences(routes: Iterable[Columns]) -> bool:
    """Tell who is logged in also where a request did not look, by other requests of the same principal.

    Returns:
        whether any of them is staff.
    """
    every = list(routes)
    known: dict[int, int] = {}
    for columns in every:
        for principal, audience in zip(columns.principal, columns.audience, strict=True):
            if audience != UNKNOWN:
                # Staff by one request is staff by all, whatever another one has looked at.
                known[principal] = max(known.get(principal, ANONYMOUS), audience)
    for columns in every:
        audience = columns.audience
        for at, principal in enumerate(columns.principal):
            audience[at] = known.get(principal, audience[at])
        # Hashes of what was known at the time would now be wrong.
        for name, classes in _AUDIENCES.items():
            told = (3 if each == UNKNOWN else 1 + (each in classes) for each in audience)
            columns.attributes[name] = array("Q", told)
    return any(audience in (STAFF, SUPERUSER) for audience in known.values())


def hours_of(routes: Mapping[str, Columns]) -> float:
    """Return the hours between the first and the last event, at least a minute."""
    filled = [columns for columns in routes.values() if len(columns)]
    if not filled:
        return 1 / 60
    begin = min(columns.at[0] for columns in filled)
    end = max(columns.at[-1] for columns in filled)
    return max(float(end - begin) / 3600, 1 / 60)
