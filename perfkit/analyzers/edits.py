"""The one edit to a queryset that does away with a set of loops, checked against the models."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import django

from perfkit.analyzers.access import Access, is_recursive
from perfkit.analyzers.plan import Plan, attname, fetch_before, plan_of, prefetch_once
from perfkit.analyzers.schema import is_pk, is_unique, manager, quoted
from perfkit.record import Asked, Built, Loaded

#: From here on a peer fetch works beside ``select_related`` (ticket 37344).
_PEERS_SINCE = (6, 1, 2)
#: Rows for each different target from which a prefetch moves clearly less than a join.
_MANY_ROWS_A_TARGET = 4


@dataclass(frozen=True)
class Edit:
    """What to write, and what it saves.

    Attributes:
        fix: code; ``""`` where no code is right.
        advice: what to do, in words, to follow "...: the same statement runs for each row; ".
        saved: statements saved by each access, in the order given.
    """

    fix: str
    advice: str
    saved: list[int]


def edit_of(root: Loaded, accesses: list[Access]) -> Edit:
    """Compose the edit to one root queryset.

    What needs words only is not counted as saved where there is code for the rest.

    Args:
        root: the queryset.
        accesses: loops whose root it is; the costliest first.
    """
    plan = plan_of(root, accesses)
    fix = _only(root.built, plan) + _calls(root.built, plan)
    saved = [_saved(access, plan) for access in accesses]
    _discount(saved, accesses, root, plan)
    return _told(root, accesses, plan, fix, saved)


def _saved(access: Access, plan: Plan) -> int:
    if id(access) in plan.ended:
        return access.count
    if plan.ended:
        return 0
    return access.count if access.need == "wasted" else access.count - 1  # its rows are there


def _only(built: Built, plan: Plan) -> str:
    """Write the ``only()`` or ``defer()`` that replaces the queryset's, where it must change."""
    if built.only is not None:
        names = dict.fromkeys((*built.only, *plan.fields))
        for path in plan.keys:
            _name_key(path, names)
        return f".only({quoted(sorted(names))})" if set(names) - set(built.only) else ""
    needed = {*plan.fields, *plan.keys}
    touched = {name for name in built.deferred if name in needed}
    if not touched:
        return ""
    rest = [name for name in built.deferred if name not in touched]
    return ".defer(None)" + (f".defer({quoted(rest)})" if rest else "")


def _name_key(path: str, names: dict[str, None]) -> None:
    """Add a key that a path follows where ``only()`` leaves it out."""
    above = path.rpartition("__")[0]
    restricted = not above or any(name.startswith(f"{above}__") for name in names)
    if restricted and not any(name == path or name.startswith(f"{path}__") for name in names):
        names[path] = None


def _calls(built: Built, plan: Plan) -> str:
    prefetches = [f'"{path}"' for path in longest(plan.prefetches) if path not in plan.generic]
    prefetches += [_generic_prefetch(path, joins) for path, joins in plan.generic.items()]
    prefetches += [code for _, code in plan.custom]
    if built.combined:
        paths = ", ".join(prefetches)
        return f"prefetch_related_objects(rows, {paths})" if paths else ""
    text = ""
    if plan.joins:
        joins = list(plan.joins)
        if built.joins_all:
            joins = [*built.joined, *joins]
        text += f".select_related({quoted(longest(joins))})"
    if prefetches:
        text += f".prefetch_related({', '.join(prefetches)})"
    if plan.annotations:
        named = ", ".join(f"{name}={code}" for name, code in plan.annotations.items())
        text += f".annotate({named})"
    return text


def _generic_prefetch(path: str, joins: dict[str, list[str]]) -> str:
    rows = ", ".join(
        f"{manager(label)}.select_related({quoted(longest(names))})"
        for label, names in joins.items()
    )
    return f'GenericPrefetch("{path}", [{rows}])'


def longest(paths: Iterable[str]) -> list[str]:
    """Leave out paths that a longer one goes through."""
    known = list(dict.fromkeys(paths))
    return [path for path in known if not any(other.startswith(f"{path}__") for other in known)]


def _discount(saved: list[int], accesses: list[Access], root: Loaded, plan: Plan) -> None:
    """Take off what the edit itself runs: a statement for each prefetched level, each evaluation."""
    loaded = {*plan.joins, *root.built.joined, *root.built.prefetched}
    levels: dict[str, int] = {}
    above = [path.rpartition("__")[0] for path, _ in plan.custom]
    for path in filter(None, (*plan.prefetches, *plan.generic, *above)):
        steps = path.split("__")
        for at in range(1, len(steps) + 1):
            prefix = "__".join(steps[:at])
            if prefix not in loaded and not any(join.startswith(f"{prefix}__") for join in loaded):
                levels[prefix] = root.times
    own = [path for path, _ in plan.custom]
    keys = {access.path for access in accesses if _is_generic_key(access)}
    for key in keys:
        levels.pop(key, None)
    # What only words are for has no saving to take it off.
    for at, access in sorted(enumerate(accesses), key=lambda pair: not saved[pair[0]]):
        if access.path in own and access.need == "first":
            own.remove(access.path)
            saved[at] -= root.times
            continue
        if access.path in keys and access.path not in loaded:
            saved[at] -= root.times  # a statement for each model that the key leads to
            continue
        for prefix in sorted(levels, key=len, reverse=True):
            if access.path == prefix or access.path.startswith(f"{prefix}__"):
                saved[at] -= levels.pop(prefix)


def _is_generic_key(access: Access) -> bool:
    hop = access.hops[-1] if access.hops else None
    return hop is not None and hop.generic and hop.target is None


def _where(root: Loaded) -> str:
    """Name what the code is to be added to."""
    owner = root.built.owner.rpartition(".")[2]
    if root.built.owner_kind == "admin":
        return f"{owner}.get_queryset()"
    if owner:
        return f"the queryset of {owner}"
    if root.site is not None and not root.site.function:
        return f"the queryset that {root.site.file} is given"
    return "the queryset"


def _told(root: Loaded, accesses: list[Access], plan: Plan, fix: str, saved: list[int]) -> Edit:
    where = _where(root)
    joins_only = fix.startswith(".select_related(") and fix.count("(") == 1
    if root.built.owner_kind == "admin" and joins_only:
        paths = longest((*root.built.joined, *plan.joins))
        fix = f"list_select_related = ({quoted(sorted(paths))},)"
        where = where.removesuffix(".get_queryset()")
    told = []
    if fix.startswith("prefetch_related_objects"):
        told.append(f"evaluate the queryset to a list of rows and call {fix}")
    elif fix:
        told.append(f"add {fix} to {where}" if fix[0] == "." else f"write {fix} in {where}")
    if not fix and not plan.words and len(plan.instead) == 1 and accesses[0].asked is not None:
        fix = attname(accesses[0].asked)
    told += [f"read {instead}" for instead in plan.instead]
    if root.built.iterated and (plan.prefetches or plan.custom):
        told.append("give iterator() a chunk_size")
    if (
        django.VERSION >= _PEERS_SINCE
        and fix.startswith(".select_related")
        and not root.built.iterated
        and not plan.prefetches
        and not plan.instead
    ):
        told.append("or .fetch_mode(FETCH_PEERS), which takes one statement for each relation")
    if plan.joins and not root.built.iterated and _shares_targets(accesses):
        told.append(
            "few different rows are joined: .prefetch_related() with the same names moves less"
        )
    told += plan.words
    return Edit(fix, "; ".join(told), saved)


def _shares_targets(accesses: list[Access]) -> bool:
    joined = [access for access in accesses if access.need == "row"]
    return any(
        access.count >= _MANY_ROWS_A_TARGET * access.repeats.distinct > 0 for access in joined
    )


def edit_without_root(accesses: list[Access]) -> Edit:
    """Say what to do about loops that no queryset is known to have begun.

    Args:
        accesses: the loops of one line.
    """
    saved = [access.count - 1 for access in accesses]
    if len(accesses) == 1 and accesses[0].need == "get":
        asked = accesses[0].asked
        if asked is not None and len(asked.lookups) == 1 and asked.lookups[0][1] == "exact":
            path = accesses[0].repeats.path
            prefix = "a" if path is not None and path.is_async else ""
            return _in_bulk(asked, asked.lookups[0][0], prefix, saved)
    words = dict.fromkeys(_words(access) for access in accesses)
    return Edit("", "; ".join(words), saved)


def _in_bulk(asked: Asked, name: str, prefix: str, saved: list[int]) -> Edit:
    rows = manager(asked.target)
    if is_pk(asked.target, name):
        fix = f"{rows}.{prefix}in_bulk(pks)"
    elif is_unique(asked.target, name):
        fix = f'{rows}.{prefix}in_bulk({name}s, field_name="{name}")'
    else:
        return Edit("", f"fetch all with one .filter({name}__in=...) before the loop", saved)
    return Edit(fix, f"fetch all with {fix} before the loop and look each up in that dict", saved)


def _words(access: Access) -> str:
    match access.need:
        case "refresh":
            return "requery all rows at once in place of refresh_from_db() for each"
        case "prefetch":
            if access.asked is not None:
                return prefetch_once(access.asked)
    asked = access.asked
    if asked is not None and "index" in asked.refined:
        return "evaluate the queryset once, with list(), and index that"
    if asked is not None and is_recursive(asked):
        return "fetch the whole tree at once and put it together in Python"
    if asked is not None and asked.name and asked.model:
        return f"load {asked.name} along where the {asked.model} rows are fetched"
    return fetch_before(access)
