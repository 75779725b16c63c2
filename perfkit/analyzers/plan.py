"""What each loop needs of its root queryset, turned into the pieces of one edit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from perfkit.analyzers.access import Access
from perfkit.analyzers.schema import Hop, free_name, hops, manager, model_of, ordering, quoted
from perfkit.record import Asked, Built, Loaded

#: Methods that give one row.
_ONE = frozenset({"earliest", "first", "last", "latest"})
#: Aggregates that an annotation may work out; those of the second set stand a multiplied row.
_AGGREGATES = frozenset({"Avg", "Count", "Max", "Min", "StdDev", "Sum", "Variance"})
_UNMOVED = frozenset({"Max", "Min"})
#: Needs for which the line that asks has to change too.
_REWRITTEN = frozenset({"aggregate", "count", "exists", "first", "values"})
#: Needs in the order in which they claim their relation: what is there already serves the later ones.
_ORDER = ("row", "rows", "values", "first", "aggregate")


@dataclass
class Plan:
    """The pieces of an edit, as the accesses ask for them; paths in the order they came.

    Attributes:
        joins: paths for ``select_related``.
        prefetches: paths for ``prefetch_related``.
        custom: (path, code of a ``Prefetch`` object).
        generic: path of a generic key -> label of a model it leads to -> what to join there.
        annotations: name -> expression.
        annotated: relations that an annotation joins.
        multiplied: those of them whose annotation a second joined relation would falsify.
        fields: fields that ``only()`` or ``defer()`` left out.
        keys: fields that hold the keys of what is joined or prefetched.
        instead: what the line that asks should read instead.
        words: what to do where no code is right.
        ended: accesses that the code does away with, by their ids.
    """

    joins: dict[str, None] = field(default_factory=dict)
    prefetches: dict[str, None] = field(default_factory=dict)
    custom: dict[tuple[str, str], None] = field(default_factory=dict)
    generic: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    annotated: set[str] = field(default_factory=set)
    multiplied: set[str] = field(default_factory=set)
    fields: dict[str, None] = field(default_factory=dict)
    keys: dict[str, None] = field(default_factory=dict)
    instead: dict[str, None] = field(default_factory=dict)
    words: dict[str, None] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)


def plan_of(root: Loaded, accesses: list[Access]) -> Plan:
    """Plan the edit to one root queryset.

    Args:
        root: the queryset.
        accesses: loops whose root it is; the costliest first.
    """
    plan = Plan()
    recursive = {access.path for access in accesses if access.need == "recursive"}
    ranks = {need: rank for rank, need in enumerate(_ORDER)}
    # By what they are and not by what they cost: the advice is the same from request to request.
    for access in sorted(
        accesses,
        key=lambda access: (
            ranks.get(access.need, len(ranks)),
            access.path,
            access.need,
            str(access.site),
        ),
    ):
        words = _take(plan, root, access, recursive)
        if words:
            plan.words[words] = None
        else:
            plan.ended.add(id(access))
    return plan


def _take(plan: Plan, root: Loaded, access: Access, recursive: set[str]) -> str:
    """Add what one access needs; return what to do in words where no code is right."""
    asked = access.asked
    if asked is None:
        return fetch_before(access)
    if any(access.path == path or access.path.startswith(f"{path}__") for path in recursive):
        return (
            f"{access.path} is followed again from the rows it leads to: fetch the whole tree at once "
            "and put it together in Python, or prefetch as many levels as are shown"
        )
    if access.need == "field":
        return _field(plan, root, access)
    if access.need == "key":
        if access.path not in plan.joins and access.path not in plan.prefetches:
            plan.instead[f"{attname(asked)} in place of {access.names[-1]}.pk"] = None
        return ""
    if access.hops is None:
        return "" if _behind_generic(plan, access) else fetch_before(access)
    taker = _TAKERS.get(access.need)
    if taker is None:
        return _prefetch_by_hand(access)
    words = _objection(root, access, asked) or taker(plan, root, access, access.hops, asked)
    if not words:
        _note_keys(plan, access.hops)
    return words


def _objection(root: Loaded, access: Access, asked: Asked) -> str:
    """Say why no edit to the queryset would help."""
    along = access.need not in ("wasted", "prefetch")
    if along and access.path in (*root.built.joined, *root.built.prefetched):
        return (
            f"{access.path} is loaded along with other instances than those read here: pass on "
            "the rows that were loaded"
        )
    if asked.by_framework and access.need in _REWRITTEN:
        return (
            f"{access.path} is asked for by the framework: give it rows or a queryset made for all"
        )
    return ""


def _field(plan: Plan, root: Loaded, access: Access) -> str:
    if root.built.only is None and not root.built.deferred:
        where = "select it in the raw statement" if root.built.raw else "load it along"
        return f"{access.path} is read of each row: {where}"
    plan.fields[access.path] = None
    return ""


def _note_keys(plan: Plan, path: tuple[Hop, ...]) -> None:
    """Note the fields that lead along a path, as far as they are columns of the root's own query."""
    above = ""
    joined = "__".join(hop.query_name for hop in path) in plan.joins
    for hop in path:
        for column in hop.columns or ((hop.query_name,) if joined else ()):
            plan.keys[above + column] = None
        if not hop.single:
            return
        above += f"{hop.query_name}__"


def _behind_generic(plan: Plan, access: Access) -> bool:
    """Join what rows behind a generic key lead to, where their querysets are told apart."""
    behind: list[str] = []
    node = access.asked.origin if access.asked is not None else None
    prefetched = access.root.built.prefetched if access.root is not None else ()
    names = list(access.names)
    while node is not None and node is not access.root and node.parent is not None:
        behind.insert(0, names.pop())
        above = hops(node.parent.model, [node.name])
        if above is not None and above[0].generic and above[0].single is False:
            path = hops(node.model, behind)
            if above[0].target is not None or path is None or not all(hop.single for hop in path):
                return False
            if "__".join(names) in prefetched:
                return False  # a second lookup of one path is passed over
            plan.generic.setdefault("__".join(names), {}).setdefault(node.model, []).append(
                "__".join(hop.query_name for hop in path)
            )
            return True
        node = node.parent
    return False


def _row(plan: Plan, root: Loaded, access: Access, path: tuple[Hop, ...], asked: Asked) -> str:
    if _may_join(root.built, path) and not _through_prefetch(access):
        plan.joins["__".join(hop.query_name for hop in path)] = None
    else:
        plan.prefetches[access.path] = None
    if asked.by_key:
        plan.instead[f".{access.names[-1]} in place of the query"] = None
    return ""


def _rows(plan: Plan, root: Loaded, access: Access, path: tuple[Hop, ...], asked: Asked) -> str:
    plan.prefetches[access.path] = None
    if asked.by_key:
        plan.instead[f".{access.names[-1]}.all() in place of the query"] = None
    return ""


def _number(plan: Plan, root: Loaded, access: Access, path: tuple[Hop, ...], asked: Asked) -> str:
    """Count or test for related rows: of prefetched ones that is free, else the database does it."""
    hop = path[-1]
    if access.path in plan.prefetches:
        return ""
    base = hop.name.removesuffix("_set")
    tests = access.need == "exists"
    hidden = hop.generic or not hop.back or hop.target is None
    if (
        len(path) > 1
        or not _may_annotate(root.built)
        or (hidden if tests else root.built.grouped or plan.multiplied - {hop.name})
    ):
        plan.prefetches[access.path] = None
        if asked.by_key:
            plan.instead[f".{hop.name}.{access.need}() in place of the query"] = None
        return ""
    if tests:
        new = free_name(root.model, f"has_{base}", f"any_{base}")
        rows = f'{manager(hop.target._meta.label)}.filter({hop.back}=OuterRef("{hop.key}"))'
        plan.annotations[new] = f"Exists({rows})"
    else:
        new = free_name(root.model, f"{base}_count", f"num_{base}", f"{base}_total")
        plan.annotations[new] = f'Count("{hop.query_name}", distinct=True)'
        plan.annotated.add(hop.name)
    plan.instead[f".{new} in place of .{hop.name}.{access.need}()"] = None
    return ""


def _sum(plan: Plan, root: Loaded, access: Access, path: tuple[Hop, ...], asked: Asked) -> str:
    """Aggregate related rows: right only while no other relation multiplies them."""
    hop = path[-1]
    function, column = asked.detail if len(asked.detail) == 2 else ("", "")
    if (
        function not in _AGGREGATES
        or len(path) > 1
        or not _may_annotate(root.built)
        or root.built.grouped
        or plan.multiplied - {hop.name}
        or (function not in _UNMOVED and plan.annotated - {hop.name})
    ):
        return _annotate_by_hand(access)
    name = f"{hop.name.removesuffix('_set')}_{column}_{function.lower()}".replace("__", "_")
    new = free_name(root.model, name, f"{name}_of_row")
    distinct = ", distinct=True" if function == "Count" else ""
    plan.annotations[new] = f'{function}("{hop.query_name}__{column}"{distinct})'
    plan.annotated.add(hop.name)
    if function not in _UNMOVED:
        plan.multiplied.add(hop.name)
    plan.instead[f".{new} in place of .{hop.name}.aggregate()"] = None
    return ""


def _first(plan: Plan, root: Loaded, access: Access, path: tuple[Hop, ...], asked: Asked) -> str:
    """Prefetch the related rows in the order, and as many, as the loop reads them."""
    hop = path[-1]
    order = _order(asked, hop)
    # A generic relation's prefetch cannot be sliced.
    if hop.target is None or order is None or asked.kind == "generic_many":
        return _prefetch_by_hand(access)
    limit = next((step[5:] for step in asked.refined if step.startswith("slice")), "")
    if asked.method in _ONE:
        limit = "[:1]"
    kind = "ordered"
    if limit == "[:1]":
        kind = asked.method if asked.method in _ONE else "first"
    label = hop.target._meta.label
    owner = path[-2].target._meta.label if len(path) > 1 and path[-2].target else root.model
    new = free_name(owner, f"{kind}_{hop.name}", f"{kind}_{hop.name}_rows")
    if any(f'to_attr="{new}"' in code for _, code in plan.custom):
        new = free_name(owner, f"{new}_{'_'.join(asked.detail).strip('-') or 'again'}")
        new = new.replace("-", "")
    rows = f"{manager(label)}{order or '.all()'}{limit}"
    code = f'Prefetch("{access.path}", queryset={rows}, to_attr="{new}")'
    plan.custom[access.path, code] = None
    plan.instead[f"the list .{new} in place of .{hop.name}"] = None
    return ""


def _order(asked: Asked, hop: Hop) -> str | None:
    """Return the ``order_by()`` that the loop's rows come in; None where it is not simple."""
    if asked.method == "__getitem__" or hop.target is None:
        return None
    fields = asked.detail
    if "order_by" in asked.refined and not fields:
        return None
    if not fields and asked.method in ("first", "last"):
        if ordering(hop.target._meta.label):
            if asked.method == "last":
                return None
            return ""
        fields = ("pk",)
    if asked.method in ("earliest", "latest") and not fields:
        return None
    if asked.method in ("last", "latest"):
        fields = tuple(name[1:] if name.startswith("-") else f"-{name}" for name in fields)
    return f".order_by({quoted(fields)})" if fields else ""


def _values(plan: Plan, root: Loaded, access: Access, path: tuple[Hop, ...], asked: Asked) -> str:
    plan.prefetches[access.path] = None
    plan.instead[f"the values from .{access.names[-1]}.all() in place of the query"] = None
    return ""


def _wasted(plan: Plan, root: Loaded, access: Access, path: tuple[Hop, ...], asked: Asked) -> str:
    doing = ", ".join(dict.fromkeys([*(step.partition("[")[0] for step in asked.refined)]))
    doing = doing or ("filter" if asked.lookups else asked.method)
    return (
        f"{access.path} is prefetched, and {doing} asks the database again: do it in Python over "
        f'.{access.names[-1]}.all(), or put it into Prefetch("{access.path}", queryset=..., to_attr=...)'
    )


def _prefetch(plan: Plan, root: Loaded, access: Access, path: tuple[Hop, ...], asked: Asked) -> str:
    return prefetch_once(asked)


_Taker = Callable[[Plan, Loaded, Access, tuple[Hop, ...], Asked], str]
_TAKERS: dict[str, _Taker] = {
    "row": _row,
    "rows": _rows,
    "count": _number,
    "exists": _number,
    "aggregate": _sum,
    "first": _first,
    "values": _values,
    "wasted": _wasted,
    "prefetch": _prefetch,
}


def prefetch_once(asked: Asked) -> str:
    """Say what to do about a prefetch that runs for one row at a time."""
    if asked.method == "prefetch_related_objects":
        return "call prefetch_related_objects() once, with the list of all rows"
    return "load all rows with one queryset before the loop, and prefetch there"


def _may_join(built: Built, path: Iterable[Hop]) -> bool:
    if built.raw or built.combined:
        return False
    # PostgreSQL refuses FOR UPDATE on the nullable side of a join.
    # With only() a child's inherited columns would stay deferred.
    return all(
        hop.single
        and not (built.locked and hop.null)
        and not (hop.child and built.only is not None)
        for hop in path
    )


def _may_annotate(built: Built) -> bool:
    # PostgreSQL refuses FOR UPDATE beside GROUP BY.
    return not (built.raw or built.combined or built.sliced or built.locked)


def _through_prefetch(access: Access) -> bool:
    """Tell whether rows on the way came from a prefetch, whose rows a join does not reach."""
    node = access.asked.origin if access.asked is not None else None
    while node is not None and node is not access.root:
        if node.step in ("prefetch", "many"):
            return True
        node = node.parent
    return False


def attname(asked: Asked) -> str:
    """Return the attribute that holds a key's value: ``author_id``."""
    model = model_of(asked.model)
    return (
        str(model._meta.get_field(asked.name).attname) if model is not None else f"{asked.name}_id"
    )


def fetch_before(access: Access) -> str:
    """Say what to do about a loop of which nothing more is known."""
    asked = access.asked
    if asked is not None and asked.method in ("aggregate", "count"):
        return (
            f"let one statement work out {access.what} for all: values(...).annotate(...) groups by "
            "what changes"
        )
    if asked is not None and asked.target:
        return f"load the {asked.target} rows of all before the loop, with one __in lookup"
    return "fetch what it needs for all rows before the loop, with one IN lookup"


def _annotate_by_hand(access: Access) -> str:
    return f"let the database work out {access.path} for all rows: annotate() with a Subquery"


def _prefetch_by_hand(access: Access) -> str:
    asked = access.asked
    doing = "filtered" if asked is not None and asked.lookups else "refined"
    return (
        f'load the {doing} rows of all at once: Prefetch("{access.path}", queryset=..., to_attr=...) '
        "with the same conditions, and read that list"
    )
