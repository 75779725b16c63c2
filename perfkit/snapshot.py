"""Turns a trace into a record: the tuples of the hot path into text, outside the request's time."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import islice
from types import CodeType
from typing import Any

from perfkit.capture.callpath import CallPath
from perfkit.capture.current import FAILED, MANY, Trace
from perfkit.capture.origin import Origin
from perfkit.capture.places import Place, short_name
from perfkit.record import Asked, CacheCall, Loaded, Path, Query, RequestRecord, Site
from perfkit.statement import parse


def counted(trace: Trace, **facts: Any) -> RequestRecord:
    """Make a record of a trace's numbers only, without queries and paths.

    Args:
        trace: a closed trace.
        facts: further fields of the record.
    """
    if not (trace.statements or trace.cache_events):
        return RequestRecord(**facts)
    marks = {sql for sql in trace.statements if parse(sql).is_transaction}
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
    paths: dict[int, int] = {}
    frozen_paths: list[Path] = []
    keys: dict[Any, int] = {}
    identities: dict[Any, int] = {}
    queries: list[Query] = []
    for sql, alias, begun, ended, key, path, flags in list(trace.events):
        statement = parse(sql)
        index = None
        site = None
        if path is not None:
            index = paths.get(id(path))
            if index is None:
                index = paths[id(path)] = _index_of(path, keys, frozen_paths)
            site = frozen_paths[index].site
        identity = identities.setdefault((sql, alias, _comparable(key)), len(identities))
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
    calls = tuple(
        CacheCall(alias, name, (begun - started) * 1000, (ended - begun) * 1000, hits, misses)
        for alias, name, begun, ended, hits, misses in list(trace.cache_events)
    )
    return replace(
        counted(trace, **facts),
        queries=tuple(queries),
        paths=tuple(frozen_paths),
        cache_calls=calls,
    )


def _comparable(key: Any) -> Any:
    """Return a dict key that equal parameters share; what cannot be compared is equal to nothing."""
    if key is None:
        return object()
    try:
        hash(key)
    except TypeError:  # a list or a dict among them
        return repr(key)
    except Exception:  # noqa: BLE001  # a parameter's own class may raise anything
        return object()
    return key


def _index_of(path: CallPath, keys: dict[Any, int], frozen: list[Path]) -> int:
    """Number a call path; paths through the same places are one, whatever their statement."""
    relation = path.relation
    asked = None
    if relation is not None:
        asked = Asked(
            relation.model,
            relation.name,
            relation.kind,
            relation.plain,
            _load(relation.origin),
            relation.target,
        )
    key = (tuple(map(_position, path.places)), asked)
    index = keys.get(key)
    if index is None:
        index = keys[key] = len(frozen)
        frozen.append(Path(tuple(map(site_of, path.places)), asked))
    return index


def _position(place: Place) -> tuple[Any, ...]:
    """Tell a call apart from others on its line.

    The instruction's offset would not do: CPython 3.11 makes a call from another instruction once
    it has specialized it, in the middle of a loop. Both have the call's position in the source.
    """
    code, at = place
    return place if isinstance(code, str) else (id(code), *_columns(code, at))


@lru_cache(maxsize=2048)
def _columns(code: CodeType, at: int) -> tuple[Any, ...]:
    return next(islice(code.co_positions(), at // 2, None), (at,))


def _load(origin: Origin | None) -> Loaded | None:
    if origin is None:
        return None
    site = site_of(origin.place) if origin.place else None
    parent = _load(origin.parent)
    return Loaded(origin.model, site, origin.eager, origin.single, parent, origin.via)


def site_of(place: Place) -> Site:
    """Turn a captured place into a line of text."""
    code, at = place
    if isinstance(code, str):
        return Site(short_name(code), at, "")
    return _site(code.co_filename, code, at)


@lru_cache(maxsize=2048)
def _site(filename: str, code: CodeType, at: int) -> Site:
    # The file is in the key because equal functions of two files have equal code objects.
    line = next(
        (line for first, end, line in code.co_lines() if first <= at < end and line),
        code.co_firstlineno,
    )
    return Site(short_name(filename), line, code.co_qualname)
