"""What the models say about a path of relations: may it be joined, what is it called in a query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist


@dataclass(frozen=True, slots=True)
class Hop:
    """One relation of a path.

    Attributes:
        name: the attribute on the row.
        query_name: its name in lookups and ``select_related``.
        single: it leads to one row at most, through a key: it may be joined.
        null: there may be no row.
        generic: it is a generic key or relation.
        target: the model it leads to; None where that differs from row to row.
        back: the name of the way back in lookups, where there is one.
        key: the field on the near side that the way back compares, ``"pk"`` mostly.
        columns: the fields of the near side that hold the key.
        child: it leads to the same thing's row in the table of a child or parent model.
    """

    name: str
    query_name: str
    single: bool
    null: bool
    generic: bool
    target: Any
    back: str
    key: str = "pk"
    columns: tuple[str, ...] = ()
    child: bool = False


@lru_cache(maxsize=512)
def model_of(label: str) -> Any:
    """Return the model of a label; None where it is not installed here."""
    try:
        return apps.get_model(label)
    except (LookupError, ValueError):
        return None


def hops(label: str, names: Sequence[str], labels: Sequence[str] = ()) -> tuple[Hop, ...] | None:
    """Follow relations by the names of their attributes; None where one is not a relation.

    Args:
        label: of the model to begin with, ``"shop.Book"``.
        names: ``("author", "publisher")``.
        labels: of the models that were seen behind each, for a ``to_attr`` of a prefetch.
    """
    model = model_of(label)
    found: list[Hop] = []
    for at, name in enumerate(names):
        hop = _hop(model, name) if model is not None else None
        if hop is None and at < len(labels) and (seen := model_of(labels[at])) is not None:
            hop = Hop(name, name, False, True, False, seen, "")
        if hop is None:
            return None
        found.append(hop)
        model = hop.target
    return tuple(found)


def _hop(model: Any, name: str) -> Hop | None:
    for field in model._meta.get_fields():
        if not field.is_relation:
            continue
        if field.auto_created and not field.concrete:
            if field.get_accessor_name() != name:
                continue
            single = bool(field.one_to_one)
            key = "pk"
            if (
                not field.many_to_many
                and (target := field.field.target_field) is not model._meta.pk
            ):
                key = target.name
            child = single and bool(field.parent_link)
            back = field.field.name
            return Hop(
                name, field.name, single, True, False, field.related_model, back, key, (), child
            )
        if field.name != name:
            continue
        if field.related_model is None:
            keys = (field.ct_field, field.fk_field)
            return Hop(name, name, False, True, True, None, "", columns=keys)
        generic = not field.concrete and not field.many_to_many
        single = bool(field.many_to_one or field.one_to_one) and not generic
        back = "" if generic else field.related_query_name()
        columns: tuple[str, ...] = (name,) if single else ()
        null, target = bool(field.null), field.related_model
        parent = bool(getattr(field.remote_field, "parent_link", False))
        return Hop(name, name, single, null, generic, target, back, "pk", columns, parent)
    return None


def is_pk(label: str, name: str) -> bool:
    """Tell whether a field is its model's primary key."""
    model = model_of(label)
    return model is not None and name == model._meta.pk.name


def is_unique(label: str, name: str) -> bool:
    """Tell whether a field's value names one row at most."""
    try:
        return bool(model_of(label)._meta.get_field(name).unique)
    except (AttributeError, FieldDoesNotExist):
        return False


def manager(label: str) -> str:
    """Return how code spells a model's default manager: ``"Book.objects"``."""
    model = model_of(label)
    name = label.rpartition(".")[2]
    return f"{name}.{model._default_manager.name if model is not None else 'objects'}"


def ordering(label: str) -> bool:
    """Tell whether a model orders its rows by itself."""
    model = model_of(label)
    return model is not None and bool(model._meta.ordering)


def quoted(names: Iterable[str]) -> str:
    """Write names as arguments: ``"author", "tags"``."""
    return ", ".join(f'"{name}"' for name in names)


def free_name(label: str, *names: str) -> str:
    """Return the first name that a model's rows do not have yet, for an annotation or ``to_attr``."""
    model = model_of(label)
    return next((name for name in names if not hasattr(model, name)), f"{names[0]}_of_row")
