"""Which part of the ORM a frame runs, known by its code object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from django.apps import apps
from django.core.cache.backends.db import DatabaseCache
from django.core.serializers.base import DeserializedObject
from django.db.models import CheckConstraint, ForeignKey, Model, UniqueConstraint
from django.db.models.query import QuerySet

from perfkit.capture.parts import code_of


class Role(NamedTuple):
    """A function of the ORM.

    ``part`` is ``queryset``, ``iterable``, ``raw``, ``manager``, ``model``, ``prefetch`` or, for a
    descriptor, the kind of relation: ``forward``, ``reverse_one``, ``generic``, ``deferred``.
    """

    part: str
    name: str


#: Parts that read one attribute of one row.
DESCRIPTORS = frozenset({"forward", "reverse_one", "generic", "deferred"})

_MODEL_ITERATION = code_of("django.db.models.query:ModelIterable.__iter__")

#: id(code object) -> its role. The code objects live as long as Django does.
roles: dict[int, Role] = {}

#: id(code object) -> why statements below it are the ORM's own affair.
internals: dict[int, str] = {}

#: The method of Django's serializers that reads a prefetched relation whole, and asks for keys only
#: without one. Known by its name: importing the XML one to learn its code object costs megabytes.
READS_WHOLE = "handle_m2m_field"

#: The methods of a row that a loop may call.
_OF_ROWS = (
    "delete",
    "full_clean",
    "refresh_from_db",
    "save",
    "validate_constraints",
    "validate_unique",
)


def functions_in(code: CodeType) -> Iterator[CodeType]:
    """Yield the code objects defined inside another, however deep: managers are made in functions."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from functions_in(constant)


def _methods(cls: type, names: Iterable[str] | None = None) -> Iterator[tuple[str, CodeType]]:
    for name, function in vars(cls).items():
        if isinstance(function, FunctionType) and (names is None or name in names):
            yield name, function.__code__


def _codes(cls: type) -> Iterator[CodeType]:
    return (code for _, code in _methods(cls))


def _managers() -> Iterator[CodeType]:
    """Yield the methods of related managers."""
    related = "django.db.models.fields.related_descriptors"
    yield from functions_in(code_of(f"{related}:create_reverse_many_to_one_manager"))
    yield from functions_in(code_of(f"{related}:create_forward_many_to_many_manager"))
    if apps.is_installed("django.contrib.contenttypes"):
        generic = "django.contrib.contenttypes.fields:create_generic_related_manager"
        yield from functions_in(code_of(generic))


def install() -> None:
    """Learn the ORM's code objects; those of contrib apps only where these are installed.

    Private names are imported in here: where one is gone, no more than this hook is.
    """
    from django.db.models.fields import related_descriptors
    from django.db.models.query import RawQuerySet
    from django.db.models.query_utils import DeferredAttribute

    learn_internals()
    for name, code in _methods(QuerySet):
        roles[id(code)] = Role("queryset", name)
    for name, code in _methods(RawQuerySet):
        roles[id(code)] = Role("raw", name)
    for name, code in _methods(Model, _OF_ROWS):
        roles[id(code)] = Role("model", name)
    # Where a coroutine streams rows, no method of the queryset is on the thread's stack.
    roles[id(_MODEL_ITERATION)] = Role("iterable", "iterator")
    prefetching = code_of(
        "django.db.models.query:prefetch_one_level", "lookup", "level", "instances"
    )
    roles[id(prefetching)] = Role("prefetch", "prefetch_related_objects")
    for code in _managers():
        name = code.co_name
        if not name.startswith("_") and name not in ("get_queryset", "get_prefetch_querysets"):
            roles[id(code)] = Role("manager", name)
    _learn_descriptor(related_descriptors.ForwardManyToOneDescriptor, "forward")
    _learn_descriptor(related_descriptors.ReverseOneToOneDescriptor, "reverse_one")
    _learn_descriptor(DeferredAttribute, "deferred")
    if apps.is_installed("django.contrib.contenttypes"):
        from django.contrib.contenttypes import fields

        # Django 6.1 took the descriptor out of the field.
        generic = getattr(fields, "GenericForeignKeyDescriptor", fields.GenericForeignKey)
        _learn_descriptor(generic, "generic")


def _learn_descriptor(cls: Any, part: str) -> None:
    for name, code in _methods(cls, ("__get__", "get_object", "fetch_one", "fetch_many")):
        roles[id(code)] = Role(part, name)
        if name == "fetch_many":
            internals[id(code)] = "peers"


def uninstall() -> None:
    """Forget it all: call paths are taken as before, and tell of no relation."""
    roles.clear()
    internals.clear()


def learn_internals() -> None:
    """Learn what is the ORM's own affair; private functions that are gone are left out."""
    for code in _managers():
        if code.co_name == "set":
            internals[id(code)] = "set"
        elif code.co_name == "_get_missing_target_ids":
            internals[id(code)] = "add"
    validators = (UniqueConstraint.validate, CheckConstraint.validate, ForeignKey.validate)
    _learn_own("validation", code_of("django.db.models:Model._perform_unique_checks"), *validators)
    _learn_own("cascade", code_of("django.db.models.deletion:Collector.collect"))
    _learn_own("fixture", DeserializedObject.save)
    _learn_own("cache", *_codes(DatabaseCache))
    if apps.is_installed("django.contrib.contenttypes"):
        from django.contrib.contenttypes import models

        _learn_own("content_type", *_codes(models.ContentTypeManager))
    if apps.is_installed("django.contrib.admin"):
        # It counts twice, by design.
        _learn_own("admin", code_of("django.contrib.admin.views.main:ChangeList.get_results"))
    if apps.is_installed("django.contrib.sessions"):
        from django.contrib.sessions.backends.base import SessionBase
        from django.contrib.sessions.backends.db import SessionStore

        _learn_own("session", *_codes(SessionBase), *_codes(SessionStore))


def _learn_own(reason: str, *functions: Any) -> None:
    for function in functions:
        internals[id(getattr(function, "__code__", function))] = reason
