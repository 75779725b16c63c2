"""Turns a trace into a record: the tuples of the hot path into text, outside the request's time."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from types import CodeType
from typing import Any

from perfkit.capture.callpath import CallPath
from perfkit.capture.current import FAILED, MANY, Trace
from perfkit.capture.holders import kind_of
from perfkit.capture.origin import Origin
from perfkit.capture.places import Owner, Place, owner_of, short_name
from perfkit.capture.usage import outcomes
from perfkit.looping import attributes_read_of, calls, loop_line
from perfkit.record import (
    Asked,
    Built,
    CacheCall,
    EagerLoad,
    Loaded,
    Path,
    Query,
    RequestRecord,
    Site,
)
from perfkit.statement import parse


def counted(trace: Trace, **facts: Any) -> RequestRecord:
    """Make a record of a trace's numbers only, without queries and paths.

    Args:
        trace: a closed trace.
        facts: further fields of the record.
    """
    if not (trace.events or trace.dropped or trace.cache_events):
        return RequestRecord(**facts)
    texts = {event[0] for event in trace.events} if trace.boundaries else trace.statements
    marks = {sql for sql in texts if parse(sql).is_transaction}
    transactions = sum(event[0] in marks for event in trace.events) if marks else 0
    calls = trace.cache_events
    return RequestRecord(
        **facts,
        db_ms=(trace.dropped_s + sum(event[3] - event[2] for event in trace.events)) * 1000,
        cache_ms=sum(call[3] - call[2] for call in calls) * 1000,
        cache_hits=sum(call[4] for call in calls),
        cache_misses=sum(call[5] for call in calls),
        statements=len(trace.events) + trace.dropped - transactions,
        transactions=transactions,
        dropped_queries=trace.dropped,
    )


def from_trace(trace: Trace, started: float, **facts: Any) -> RequestRecord:
    """Turn what was captured into a record; nothing here runs in the request's time.

    Args:
        trace: a closed trace.
        started: ``perf_counter()`` seconds at which the recording began.
        facts: further fields of the record (route, status, duration_ms, ...).
    """
    paths: dict[tuple[int, int, int], int] = {}
    frozen_paths: list[Path] = []
    keys: dict[Any, int] = {}
    identities: dict[Any, int] = {}
    queries: list[Query] = []
    _settle(event[5] for event in trace.events)
    units = iter([*trace.boundaries, -1])
    unit, next_unit = 0, next(units)
    for at, (sql, alias, begun, ended, key, path, flags, asker) in enumerate(list(trace.events)):
        if at == next_unit:
            unit, next_unit = unit + 1, next(units)
        statement = parse(sql)
        index = None
        site = None
        if path is not None:
            index = paths.get((id(path), id(asker), unit))
            if index is None:
                index = _index_of(path, asker, unit, keys, frozen_paths)
                paths[id(path), id(asker), unit] = index
            site = frozen_paths[index].site
        identity = identities.setdefault((sql, alias, unit, _comparable(key)), len(identities))
        queries.append(
            Query(
                statement.masked,
                statement.shape,
                statement.verb,
                statement.tables,
                alias,
                (begun - started) * 1000,
                (ended - begun) * 1000,
                identity,
                index,
                bool(flags & MANY),
                bool(flags & FAILED),
                site,
            )
        )
    # What a request that failed did not read, it may read the next time.
    broke_off = facts.get("status", 0) >= 500 or facts.get("aborted", False)
    calls = tuple(
        CacheCall(alias, name, (begun - started) * 1000, (ended - begun) * 1000, hits, misses)
        for alias, name, begun, ended, hits, misses in list(trace.cache_events)
    )
    return replace(
        counted(trace, **facts),
        queries=tuple(queries),
        paths=tuple(frozen_paths),
        cache_calls=calls,
        eager_loads=tuple(
            EagerLoad(*each) for each in outcomes(trace.eager_loads, site_of, broke_off)
        ),
    )


def _settle(paths: Iterable[CallPath | None]) -> None:
    """Let paths through the same places agree on the row that was found by its key."""
    unsettled: dict[int, CallPath] = {}
    settled: dict[Any, CallPath] = {}
    matched: dict[Any, int] = {}
    for path in {id(path): path for path in paths}.values():
        if path is not None and path.relation is not None and path.relation.by_key:
            places = tuple(map(_position, path.places))
            if not path.relation.matched:
                settled[places] = path
            elif matched.setdefault(places, path.relation.matched) != path.relation.matched:
                settled[places] = path  # by another row, through the same places
            else:
                unsettled[id(path)] = path
    for path in unsettled.values():
        sure = settled.get(tuple(map(_position, path.places)))
        if sure is not None:
            path.relation = sure.relation
        elif path.relation is not None:  # found by one row only
            path.relation.give_up()


def _comparable(key: Any) -> Any:
    """Return a dict key that equal parameters share; None is equal to nothing."""
    return object() if key is None else key


def _index_of(
    path: CallPath,
    asker: Origin | None,
    unit: int,
    keys: dict[Any, int],
    frozen: list[Path],
) -> int:
    """Number a call path; paths through the same places are one, whatever their statement."""
    asked = _ask(path, asker)
    key = (unit, tuple(map(_position, path.places)), asked)
    index = keys.get(key)
    if index is None:
        index = keys[key] = len(frozen)
        relation = path.relation
        frozen.append(_path(path, asked, asker or (relation.origin if relation else None)))
    return index


def _ask(path: CallPath, asker: Origin | None) -> Asked | None:
    relation = path.relation
    if relation is None:
        return None
    key_only = relation.key_only
    if relation.kind == "forward" and path.places and isinstance(path.places[0][0], CodeType):
        read = attributes_read_of(*path.places[0])
        key_only = bool(read) and read <= set(relation.keys)
    return Asked(
        relation.model,
        relation.name,
        relation.kind,
        relation.plain,
        loaded(asker or relation.origin),
        relation.target,
        relation.method,
        relation.lookups,
        relation.refined,
        relation.detail,
        relation.prefetched,
        relation.by_key,
        key_only,
        relation.internal,
        relation.table,
        bool(relation.target) and relation.target == relation.model and _calls_itself(path),
        relation.by_framework,
    )


def line_of(path: CallPath) -> Site | None:
    """Return the site's own line of a call path, where it is not asked for a loop."""
    own = (place for place in path.places if _owner(place) is Owner.SITE)
    place = next(own, path.places[0] if path.places else None)
    return None if place is None else site_of(place)


def _calls_itself(path: CallPath) -> bool:
    """Tell whether the function that asks calls one of its own name: a walk down a tree."""
    codes = [what for what, _ in path.places if isinstance(what, CodeType)]
    names = [_function_of(code) for code in codes]
    return any(
        name == names[0] and calls(code, name) for name, code in zip(names, codes, strict=True)
    )


def _function_of(code: CodeType) -> str:
    """Return the name of the function that a comprehension or the like belongs to."""
    parts = [part for part in code.co_qualname.split(".") if not part.startswith("<")]
    return parts[-1] if parts else ""


def _path(path: CallPath, asked: Asked | None, asker: Origin | None) -> Path:
    """Choose the line to name: the site's own, unless the loop is wholly inside a package."""
    owners = [_owner(place) for place in path.places]
    own = owners.index(Owner.SITE) if Owner.SITE in owners else 0
    own, loop = _loop(path, owners, own)
    loop = _loop_over_rows(path, asker) or loop
    in_package = bool(owners) and owners[own] is Owner.PACKAGE
    sites = tuple(map(site_of, path.places))
    return Path(sites, asked, own, loop, _awaits(path, own), in_package, _column(path))


def _loop_over_rows(path: CallPath, asker: Origin | None) -> Site | None:
    """Find the loop in the function that loaded the rows; a helper further in may loop as well."""
    while asker is not None and asker.place is None:
        asker = asker.parent
    code = asker.place[0] if asker is not None and asker.place is not None else None
    if not isinstance(code, CodeType):
        return None
    places = (place for place in path.places[: _awaited(path)] if place[0] is code)
    return next((loop for place in places if (loop := _loop_at(path, -1, place))), None)


def _loop(path: CallPath, owners: list[Owner], own: int) -> tuple[int, Site | None]:
    """Find the innermost loop, and with it the line to name."""
    loop = None
    for at, place in enumerate(path.places[: _awaited(path)]):
        found = _loop_at(path, at, place)
        if found is not None:
            loop = found
            own_code = path.places[own][0] if path.places else None
            if owners[at] is Owner.PACKAGE and isinstance(own_code, type):
                loop = None  # one of the package's loops: which one repeats it is not told
            if at < own and owners[at] is Owner.PACKAGE and isinstance(own_code, CodeType):
                # A package's frame loops, but the site's may be the loop that matters.
                if _loop_at(path, own, path.places[own]) is None:
                    own = 0
                else:
                    loop = _loop_at(path, own, path.places[own])
            break
    return own, loop


def _column(path: CallPath) -> int:
    code, at = path.places[0] if path.places else (None, 0)
    columns = _columns(code, at) if isinstance(code, CodeType) else ()
    return columns[3] or 0 if len(columns) == 4 else 0


def _awaited(path: CallPath) -> int | None:
    """Return where the lines of the coroutine end: further out stands what runs the event loop."""
    last = path.awaiting[-1] if path.awaiting else None
    return path.places.index(last) + 1 if last in path.places else None


def _awaits(path: CallPath, own: int) -> bool:
    code = path.places[own][0] if path.places else None
    return isinstance(code, CodeType) and bool(code.co_flags & _ASYNC)


_ASYNC = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def _owner(place: Place) -> Owner:
    what = place[0]
    if isinstance(what, type):
        return Owner.SITE
    return owner_of(what if isinstance(what, str) else what.co_filename)


def _loop_at(path: CallPath, at: int, place: Place) -> Site | None:
    if at == path.loop:
        return site_of(place)
    code = place[0]
    if not isinstance(code, CodeType):
        return None
    line = loop_line(code, place[1])
    return None if line is None else Site(short_name(code.co_filename), line, code.co_qualname)


def _position(place: Place) -> tuple[Any, ...]:
    """Tell a call apart from others on its line.

    The instruction's offset would not do: CPython 3.11 makes a call from another instruction once
    it has specialized it, in the middle of a loop. Both have the call's position in the source.
    """
    code, at = place
    return (id(code), *_columns(code, at)) if isinstance(code, CodeType) else place


@lru_cache(maxsize=2048)
def _columns(code: CodeType, at: int) -> tuple[Any, ...]:
    return next(islice(code.co_positions(), at // 2, None), (at,))


def loaded(origin: Origin | None) -> Loaded | None:
    """Turn the tag of a row into text."""
    if origin is None:
        return None
    facts = origin.facts
    owner = origin.owner
    built = NOTHING if facts is None else Built(**facts._asdict())
    if owner is not None:
        cls = owner[0]
        built = replace(
            built, owner=f"{cls.__module__}.{cls.__qualname__}", owner_kind=kind_of(cls)
        )
    return Loaded(
        origin.model,
        site_of(origin.place) if origin.place else None,
        origin.step,
        origin.name,
        loaded(origin.parent),
        origin.several,
        origin.times,
        origin.recursive,
        built,
    )


NOTHING = Built()


def site_of(place: Place) -> Site:
    """Turn a captured place into a line of text."""
    what, at = place
    if isinstance(what, str):
        return Site(short_name(what), at, "")
    if isinstance(what, type):
        return _class_site(what, at)
    return _site(what.co_filename, what, at)


@lru_cache(maxsize=512)
def _class_site(cls: type, label: str) -> Site:
    """Name a class, or its own method of that name."""
    method = vars(cls).get(label)
    code = getattr(method, "__code__", None)
    name = f"{cls.__qualname__}.{label}" if label else cls.__qualname__
    if isinstance(code, CodeType):
        return Site(short_name(code.co_filename), code.co_firstlineno, name)
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or cls.__module__
    try:
        lines, line = inspect.getsourcelines(cls)
        line += next((at for at, text in enumerate(lines) if text.lstrip().startswith("class ")), 0)
    except (OSError, TypeError):  # no source at hand
        line = 1
    return Site(short_name(file), line, name)


@lru_cache(maxsize=2048)
def _site(filename: str, code: CodeType, at: int) -> Site:
    # The file is in the key because equal functions of two files have equal code objects.
    line = next(
        (line for first, end, line in code.co_lines() if first <= at < end and line),
        code.co_firstlineno,
    )
    return Site(short_name(filename), line, code.co_qualname)
