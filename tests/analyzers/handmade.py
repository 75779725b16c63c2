"""Records made by hand, as the analyzers get them: no database, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from perfkit.analyzers.access import Access, understand
from perfkit.analyzers.repeats import Repeats
from perfkit.record import Asked, Built, Loaded, Path, Query, RequestRecord, Site
from perfkit.statement import parse

#: A line of a page, and the line that loaded its rows.
LINE = Site("shop/views.py", 5, "page")
LOADING = Site("shop/views.py", 3, "page")
READ = "SELECT a FROM t WHERE b = %s"


def query(sql: str = READ, path: int | None = 0, **facts: Any) -> Query:
    """Make a query as a record has it, one millisecond long."""
    told = parse(sql)
    made = Query(told.masked, told.shape, told.verb, told.tables, "default", 0.0, 1.0, 0, path)
    return made._replace(**facts)


def runs(count: int, sql: str = READ, path: int | None = 0, **facts: Any) -> list[Query]:
    """Make as many queries that differ in their parameters."""
    return [query(sql, path, identity=number, **facts) for number in range(count)]


def record_of(queries: Iterable[Query], *paths: Path, **facts: Any) -> RequestRecord:
    """Make a record; without paths, of one that tells a line only."""
    return RequestRecord(queries=tuple(queries), paths=paths or (Path((LINE,), None),), **facts)


def root(model: str = "library.Book", site: Site | None = LOADING, **facts: Any) -> Loaded:
    """Make a queryset of the site's own; facts of how it was built, or of itself."""
    built = {name: facts.pop(name) for name in list(facts) if name in Built.__dataclass_fields__}
    return Loaded(model, site, built=Built(**built), **facts)


def asked(name: str, kind: str = "forward", model: str = "library.Book", **facts: Any) -> Asked:
    """Make what is told of a relation that was read off a row of a queryset."""
    facts.setdefault("origin", root(model))
    facts.setdefault("method", "__get__" if kind in ("forward", "reverse_one") else "__iter__")
    return Asked(model, name, kind, facts.pop("plain", False), **facts)


def access(told: Asked | None, count: int = 6, **facts: Any) -> Access:
    """Make a loop, understood."""
    path = Path(facts.pop("sites", (LINE,)), told, **facts)
    return understand(Repeats(tuple(runs(count)), path))
