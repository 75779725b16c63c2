"""Are rows written one by one in a loop that one statement could write?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from perfkit.acceptance.accepted import Acceptance
from perfkit.analyzers.access import MANY
from perfkit.analyzers.repeats import Repeats, fingerprint, group
from perfkit.analyzers.schema import manager, model_of
from perfkit.analyzers.silence import UPSERTS, is_internal
from perfkit.conf import Settings
from perfkit.record import Asked, Finding, Part, Query, RequestRecord, Site
from perfkit.statement import parse

#: Methods of a related manager that change what is related, not the related rows.
_OF_RELATIONS = frozenset({"add", "clear", "remove"})
#: Repeats that show a loop by their time alone.
_FEWEST = 3


def analyze(record: RequestRecord, settings: Settings) -> Iterator[Finding]:
    """Yield one finding for each line that writes, again and again, what one statement could."""
    acceptance = Acceptance(settings.ignore, record.route, record.method)
    lines: dict[tuple[Site | None, str], list[Repeats]] = defaultdict(list)
    for repeats in [*group(record, _is_write), *group(record, _is_select)]:
        asked = repeats.path.asked if repeats.path else None
        if repeats.path is None or is_internal(repeats.queries[0], asked) or _is_bulk(asked):
            continue
        if _is_cascade(repeats, asked):
            continue
        upserts = asked is not None and asked.method in UPSERTS
        if _is_write(repeats.queries[0]) or upserts:
            lines[repeats.path.site, asked.method if asked is not None else ""].append(repeats)
    for (site, method), groups in lines.items():
        count = sum(len(repeats.queries) for repeats in groups)
        cost_ms = sum(repeats.duration_ms for repeats in groups)
        most = max(len(repeats.queries) for repeats in groups)
        costs = cost_ms * (count - len(groups)) / count >= settings.n_plus_one_ms
        if most < settings.n_plus_one_threshold and not (most >= _FEWEST and costs):
            continue
        finding = _finding(groups, site, method, count, cost_ms)
        sites = (site, *finding.callers, finding.loop, finding.origin)
        if not acceptance.accepts(finding.kind, finding.model, "", sites):
            yield finding


def _is_write(query: Query) -> bool:
    statement = parse(query.sql)
    several = statement.is_batch or query.many or "), ..." in query.shape
    return statement.is_write and not several


def _is_bulk(asked: Asked | None) -> bool:
    """Tell whether the site writes many rows at a time already."""
    if asked is None:
        return False
    return asked.method == "bulk_update" or any(
        lookup in ("in", "range") for _, lookup in asked.lookups
    )


def _is_cascade(repeats: Repeats, asked: Asked | None) -> bool:
    """Tell whether a ``delete()`` writes to other tables than its own: one call does so for each."""
    if asked is None or asked.method != "delete":
        return False
    model = model_of(asked.target or asked.model)
    tables = {parent._meta.db_table for parent in (model, *model._meta.parents)} if model else set()
    return bool(tables) and not tables & set(repeats.queries[0].tables)


def _is_select(query: Query) -> bool:
    return query.verb == "SELECT"


def _finding(
    groups: list[Repeats], site: Site | None, method: str, count: int, cost_ms: float
) -> Finding:
    groups.sort(key=lambda repeats: (not _is_write(repeats.queries[0]), -repeats.duration_ms))
    first = groups[0]
    path = first.path
    asked = path.asked if path else None
    query = first.queries[0]
    saved = count - len(groups)
    related = asked is not None and asked.kind in MANY and method in _OF_RELATIONS
    model = ((asked.model if related else asked.target) or asked.model) if asked is not None else ""
    origin = asked.origin if asked is not None else None
    fix, advice = _advice(asked, query, method, "a" if path is not None and path.is_async else "")
    what = f"{model}.{method}()" if model and method else ", ".join(query.tables)
    writes = any(_is_write(repeats.queries[0]) for repeats in groups)
    callers = path.sites[path.access + 1 :] if path else ()
    parts = tuple(
        Part(
            "",
            len(repeats.queries),
            repeats.distinct,
            repeats.duration_ms,
            site,
            callers,
            repeats.queries[0].shape,
        )
        for repeats in groups
    )
    return Finding(
        kind="write_loop" if writes else "n_plus_one",
        severity="warning",
        message=f"{what}: rows are written one by one in a loop; {advice}",
        count=count,
        saved=saved,
        cost_ms=cost_ms * saved / count,
        fingerprint=fingerprint("write_loop", model, query.alias, site, method or query.shape),
        model=model,
        path=asked.name if related and asked is not None else "",
        fix=fix,
        access=site,
        origin=origin.site if origin is not None else None,
        shape=query.shape,
        alias=query.alias,
        loop=path.loop if path else None,
        callers=callers,
        parts=parts,
    )


def _advice(asked: Asked | None, query: Query, method: str, prefix: str) -> tuple[str, str]:
    """Return the code to write, where it is certain, and what to do in words."""
    if asked is None:
        return "", "write them with one statement of many rows, or with executemany()"
    label = asked.target or asked.model
    rows, names = manager(label), f"{label.rpartition('.')[2].lower()}s"
    if method in UPSERTS:
        return "", (
            "read the present rows with one __in lookup and write the others with "
            "bulk_create(..., ignore_conflicts=True) or update_conflicts=True"
        )
    if query.verb == "INSERT" and method in ("save", "create"):
        if _is_child(label):
            return (
                "",
                "its rows lie in two tables, which bulk_create() cannot fill: write in batches",
            )
        fix = f"{rows}.{prefix}bulk_create({names})"
        return fix, f"collect them and call {fix}, which sends no signals and calls no save()"
    if query.verb == "UPDATE" and method == "save":
        if fields := _fields_set(label, query.shape):
            fix = f"{rows}.{prefix}bulk_update({names}, [{fields}])"
            return fix, f"set the values on all rows and call {fix}, which sends no signals"
        return "", (
            f"set the values on all rows and call {rows}.bulk_update(rows, [...]) with the fields "
            "that change, or update() where all get one value; neither sends signals"
        )
    if method == "delete":
        fix = f"{rows}.filter(pk__in=pks).{prefix}delete()"
        return fix, f"collect their keys and call {fix}, which cascades and sends signals as before"
    if method == "add" and asked.kind == "many_to_many":
        owner = asked.model.rpartition(".")[2]
        fix = (
            f"{owner}.{asked.name}.through.objects.{prefix}bulk_create(rows, ignore_conflicts=True)"
        )
        return fix, f"collect the pairs and call {fix}, which sends no m2m_changed"
    return "", _WORDS.get(method, "collect the rows and write them with one bulk call")


_WORDS = {
    "bulk_create": "collect the rows and call bulk_create() once",
    "update": "call update() once on all rows: one value for all, or Case(When(...)) for each",
}


def _fields_set(label: str, shape: str) -> str:
    """Name the fields that ``save(update_fields=)`` writes; ``""`` when it writes them all."""
    model = model_of(label)
    if model is None:
        return ""
    assigned = shape.partition(" SET ")[2].partition(" WHERE ")[0]
    columns = {name.strip(' "`[]') for name in _ASSIGNED.findall(assigned)}
    fields = [field for field in model._meta.local_concrete_fields if not field.primary_key]
    written = [field.name for field in fields if field.column in columns]
    if len(written) == len(fields) or len(written) != len(columns):
        return ""
    return ", ".join(f'"{name}"' for name in written)


_ASSIGNED = re.compile(r"([\w\"`\[\]]+) = ")


def _is_child(label: str) -> bool:
    model = model_of(label)
    return model is not None and any(parent._meta.concrete_model for parent in model._meta.parents)
