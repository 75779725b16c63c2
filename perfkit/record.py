"""What one request did, frozen: queries, cache calls and findings, and their plain JSON form."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Site:
    """A line of code: ``file`` from its import root, ``line`` from 1, ``function`` qualified.

    A template's line has ``function`` empty.
    """

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" + (f" in {self.function}" if self.function else "")


@dataclass(frozen=True, slots=True)
class Loaded:
    """The queryset that loaded a row: its model's label, its line, and what it allows.

    ``eager`` is ``select_related``, ``prefetch_related`` or ``""``: what may be added to it.
    ``single`` says that the row was itself loaded alone, through a row of ``parent``; ``via`` is
    the lookup when a prefetch on ``parent``'s queryset loaded it.
    """

    model: str
    site: Site | None
    eager: str
    single: bool
    parent: Loaded | None
    via: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """The relation that a statement answered: ``name`` on a row of ``model``.

    ``kind`` is ``forward``, ``reverse_one``, ``reverse_many``, ``many_to_many``, ``generic``,
    ``deferred`` or ``queryset``; ``plain`` says that a many-valued one was read whole;
    ``target`` is the label of the model that a single-valued one leads to.
    """

    model: str
    name: str
    kind: str
    plain: bool
    origin: Loaded | None
    target: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """One call path that repeated a statement, innermost line first."""

    sites: tuple[Site, ...]
    asked: Asked | None

    @property
    def site(self) -> Site | None:
        """The line to name: the innermost one."""
        return self.sites[0] if self.sites else None


class Query(NamedTuple):
    """One statement that ran; a named tuple, as it is made once for each statement.

    Attributes:
        sql: its text with every literal masked; placeholders as they were.
        shape: ``sql`` reduced so that statements differing in values only are equal.
        verb: ``SELECT``, ``INSERT``, ...
        tables: the tables it names.
        alias: the database's alias.
        start_ms: milliseconds from the start of the recording.
        duration_ms: milliseconds in the database, rows not yet fetched.
        identity: equal for equal statement and parameters, within one record.
        path: index into ``RequestRecord.paths``; None for a first run, whose path is not taken.
        many: it came through ``executemany``.
        failed: it raised.
        site: the line that asked, where known.
    """

    sql: str
    shape: str
    verb: str
    tables: tuple[str, ...]
    alias: str
    start_ms: float
    duration_ms: float
    identity: int
    path: int | None = None
    many: bool = False
    failed: bool = False
    site: Site | None = None


@dataclass(frozen=True, slots=True)
class CacheCall:
    """One outermost call on a cache: keys found and not found, milliseconds."""

    alias: str
    operation: str
    start_ms: float
    duration_ms: float
    hits: int
    misses: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to change, and what the change saves in this request.

    Attributes:
        kind: ``n_plus_one``, ``duplicate_query``, ``slow_query``, or a kind of your own.
        severity: ``"warning"`` when it costs, ``"info"`` when it hardly does.
        message: one sentence: what happens and what to do, without figures.
        count: statements covered.
        saved: statements that the change saves.
        cost_ms: milliseconds that the change saves, measured on the statements covered.
        fingerprint: the same between requests, workers and deploys: no line numbers in it.
        model: label of the root model, ``"shop.Book"``; ``""`` where none is known.
        path: ORM path from the root model, ``"author__publisher"``.
        fix: the code to write; ``""`` where no one-line change is right.
        access: the line that asked for the data.
        origin: the line that evaluated the root queryset.
        shape: the statement's shape.
        alias: the database's alias.
    """

    kind: str
    severity: str
    message: str
    count: int
    saved: int
    cost_ms: float
    fingerprint: str
    model: str = ""
    path: str = ""
    fix: str = ""
    access: Site | None = None
    origin: Site | None = None
    shape: str = ""
    alias: str = ""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """Everything one request, task or ``perfkit.record()`` block did.

    Times are milliseconds, ``started_at`` is Unix seconds. ``cpu_ms`` is None where other work
    shares the thread (ASGI), ``queue_ms`` where no proxy stamped the request, ``ttfb_ms`` equals
    ``duration_ms`` unless the body streams. ``dropped_queries`` ran beyond ``MAX_QUERIES`` and are
    counted in ``statements`` and ``db_ms`` but not listed. Equal for equal content.
    """

    route: str = ""
    method: str = ""
    status: int = 0
    started_at: float = 0.0
    duration_ms: float = 0.0
    ttfb_ms: float = 0.0
    cpu_ms: float | None = None
    queue_ms: float | None = None
    db_ms: float = 0.0
    cache_ms: float = 0.0
    cache_hits: int = 0
    cache_misses: int = 0
    response_bytes: int | None = None
    aborted: bool = False
    statements: int = 0
    transactions: int = 0
    dropped_queries: int = 0
    queries: tuple[Query, ...] = ()
    paths: tuple[Path, ...] = ()
    cache_calls: tuple[CacheCall, ...] = ()
    findings: tuple[Finding, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON: dicts, lists, strings, numbers, None."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RequestRecord:
        """Rebuild what ``to_dict`` gave; unknown keys of a newer version are ignored.

        Raises:
            TypeError: a part is not of the shape that ``to_dict`` gives.
        """
        values = _known(cls, data)
        values["queries"] = tuple(_query(query) for query in data.get("queries", ()))
        values["paths"] = tuple(_path(path) for path in data.get("paths", ()))
        values["cache_calls"] = tuple(
            CacheCall(**_known(CacheCall, call)) for call in data.get("cache_calls", ())
        )
        values["findings"] = tuple(finding_from(item) for item in data.get("findings", ()))
        return cls(**values)


def finding_from(data: dict[str, Any]) -> Finding:
    """Rebuild a finding from its plain form."""
    values = _known(Finding, data)
    values["access"] = _site(data.get("access"))
    values["origin"] = _site(data.get("origin"))
    return Finding(**values)


def _known(cls: type[Any], data: dict[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in cls.__dataclass_fields__ if name in data}


def _site(data: dict[str, Any] | None) -> Site | None:
    return Site(**_known(Site, data)) if data else None


def _query(data: dict[str, Any]) -> Query:
    values = {name: data[name] for name in Query._fields if name in data}
    return Query(**{**values, "tables": tuple(values["tables"]), "site": _site(data.get("site"))})


def _path(data: dict[str, Any]) -> Path:
    asked = data.get("asked")
    return Path(
        tuple(Site(**_known(Site, site)) for site in data["sites"]),
        Asked(**{**_known(Asked, asked), "origin": _loaded(asked.get("origin"))})
        if asked
        else None,
    )


def _loaded(data: dict[str, Any] | None) -> Loaded | None:
    if not data:
        return None
    return Loaded(
        **{
            **_known(Loaded, data),
            "site": _site(data.get("site")),
            "parent": _loaded(data.get("parent")),
        }
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Query):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
