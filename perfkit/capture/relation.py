"""Which relation of which row a statement answers, read from the ORM's own frames."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType, FunctionType
from typing import Any

from django.apps import apps
from django.db.models import Model
from django.db.models.fields.related_descriptors import (
    ForwardManyToOneDescriptor,
    ReverseOneToOneDescriptor,
)
from django.db.models.query import ModelIterable, QuerySet
from django.db.models.query_utils import DeferredAttribute

from perfkit.capture.origin import Origin, origin_of

_PLAIN_METHODS = frozenset({"_fetch_all", "__iter__", "__len__", "__bool__", "__getitem__"})
#: A query with one of these set is no longer what a prefetch would have put on the row.
_REFINED = (
    "annotations",
    "combinator",
    "distinct",
    "extra",
    "is_sliced",
    "order_by",
    "select_for_update",
    "select_related",
)

#: id(code object) -> what a frame running it tells; filled by ``install``.
_roles: dict[int, str] = {}


class Relation:
    """What the ORM's own frames tell about a statement.

    Attributes:
        model: label of the row that was asked, ``"shop.Product"``.
        name: the attribute read on it; ``""`` when only the row is known.
        kind: ``forward``, ``reverse_one``, ``reverse_many``, ``many_to_many``, ``generic``,
            ``deferred`` or ``queryset``.
        plain: a many-valued relation read whole, as the manager's ``all()`` gives it.
        target: label of the model that a single-valued relation leads to, else ``""``.
        origin: the queryset that loaded that row, or None.
    """

    __slots__ = ("kind", "model", "name", "origin", "plain", "target")

    def __init__(
        self,
        model: str,
        name: str,
        kind: str,
        plain: bool,
        origin: Origin | None,
        target: str = "",
    ) -> None:
        self.model = model
        self.name = name
        self.kind = kind
        self.plain = plain
        self.origin = origin
        self.target = target


def role_of(frame: FrameType) -> str | None:
    """Tell which part of the ORM a frame runs; ``"queryset"`` or the kind of a descriptor."""
    return _roles.get(id(frame.f_code))


def relation_at(frame: FrameType, role: str) -> Relation | None:
    """Read the outermost of the ORM's frames: that of a descriptor, else of a queryset's method.

    Args:
        frame: a frame between the statement and the line that caused it.
        role: what ``role_of`` told of it.
    """
    names = frame.f_locals
    subject = names.get("self")
    queried = role == "queryset"
    instance = (getattr(subject, "_hints", {}) if queried else names).get("instance")
    if not isinstance(instance, Model) or subject is None:
        return None
    if queried:
        return _many_relation(subject, instance, frame.f_code.co_name)
    name, target = _field_of(subject, role)
    label = type(instance)._meta.label
    return Relation(label, name, role, False, origin_of(instance), target)


def _field_of(descriptor: Any, role: str) -> tuple[str, str]:
    """Name the field that a descriptor reads, and the model it leads to."""
    if role == "reverse_one":
        related = descriptor.related
        return str(related.get_accessor_name()), related.related_model._meta.label
    field = getattr(descriptor, "field", descriptor)  # a generic key was its own descriptor
    target = field.remote_field.model._meta.label if role == "forward" else ""
    return str(field.name), target


def _many_relation(queryset: Any, instance: Model, method: str) -> Relation:
    """Name the manager through which a queryset was reached from a row."""
    query = queryset.query
    name, kind = "", "queryset"
    for field in queryset._known_related_objects:
        name, kind = str(field.remote_field.get_accessor_name()), "reverse_many"
    if not name:
        through = _many_to_many(type(instance), queryset)
        if len(through) == 1:
            name, kind = through[0], "many_to_many"
    plain = (
        bool(name)
        and method in _PLAIN_METHODS
        and len(query.where.children) == 1
        and not any(getattr(query, name) for name in _REFINED)
        and not queryset._prefetch_related_lookups
        and query.deferred_loading == (frozenset(), True)
        and query.standard_ordering
        and queryset._iterable_class is ModelIterable
    )
    return Relation(type(instance)._meta.label, name, kind, plain, origin_of(instance))


def _many_to_many(model: type[Model], queryset: Any) -> list[str]:
    """Name the many-to-many relations of a model whose own table the queryset reads."""
    names = []
    for relation in model._meta.get_fields():
        field: Any = relation.remote_field if relation.auto_created else relation
        through = getattr(getattr(field, "remote_field", None), "through", None)
        if (
            through is not None
            and relation.related_model is queryset.model
            and through._meta.db_table in queryset.query.alias_map
        ):
            accessor: Any = relation
            names.append(accessor.get_accessor_name() if relation.auto_created else accessor.name)
    return names


def install() -> None:
    """Learn the ORM's code objects; generic keys exist only where content types do."""
    for function in vars(QuerySet).values():
        if isinstance(function, FunctionType):
            _roles[id(function.__code__)] = "queryset"
    getters: list[tuple[Callable[..., Any], str]] = [
        (ForwardManyToOneDescriptor.__get__, "forward"),
        (ReverseOneToOneDescriptor.__get__, "reverse_one"),
        (DeferredAttribute.__get__, "deferred"),
    ]
    if apps.is_installed("django.contrib.contenttypes"):
        from django.contrib.contenttypes import fields

        # Django 6.1 took the descriptor out of the field.
        generic: Any = getattr(fields, "GenericForeignKeyDescriptor", fields.GenericForeignKey)
        getters.append((generic.__get__, "generic"))
    for getter, role in getters:
        _roles[id(getter.__code__)] = role
