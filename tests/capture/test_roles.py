"""Parts of the ORM, known by their code objects on the Django that runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.contenttypes.fields import create_generic_related_manager
from django.contrib.contenttypes.models import ContentTypeManager
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache.backends.db import DatabaseCache
from django.db.models import ForeignKey, Model, QuerySet
from django.db.models.deletion import Collector
from django.db.models.fields.related_descriptors import (
    ForwardManyToOneDescriptor,
    ReverseOneToOneDescriptor,
    create_forward_many_to_many_manager,
    create_reverse_many_to_one_manager,
)
from django.db.models.query import RawQuerySet, prefetch_one_level
from django.db.models.query_utils import DeferredAttribute
from django.test import override_settings

from perfkit.capture import roles as module
from perfkit.capture.roles import Role, functions_in, internals, roles


@pytest.fixture(autouse=True)
def learned() -> Iterator[None]:
    """Learn anew, and leave the tables as they were."""
    before = dict(roles), dict(internals)
    roles.clear()
    internals.clear()
    module.install()
    yield
    for table, kept in zip((roles, internals), before, strict=True):
        table.clear()
        table.update(kept)


def role(function: object) -> Role | None:
    """Return the role of a function."""
    return roles.get(id(function.__code__))  # type: ignore[attr-defined]  # functions have it


def inner(factory: object, name: str) -> int:
    """Return the id of the code of a manager's method."""
    code = factory.__code__  # type: ignore[attr-defined]  # functions have it
    (found,) = [each for each in functions_in(code) if each.co_name == name]
    return id(found)


def test_methods_of_querysets_and_rows_are_known() -> None:
    """By the name that the site calls."""
    assert role(QuerySet.get) == Role("queryset", "get")
    assert role(QuerySet._fetch_all) == Role("queryset", "_fetch_all")
    assert role(RawQuerySet.__iter__) == Role("raw", "__iter__")
    assert role(Model.save) == Role("model", "save")
    assert role(prefetch_one_level) == Role("prefetch", "prefetch_related_objects")
    assert role(Model.__init__) is None


def test_descriptors_are_known_by_the_kind_of_relation() -> None:
    """Each reads one attribute of one row."""
    parts = [
        role(descriptor.__get__)
        for descriptor in (ForwardManyToOneDescriptor, ReverseOneToOneDescriptor, DeferredAttribute)
    ]
    assert parts == [
        Role("forward", "__get__"),
        Role("reverse_one", "__get__"),
        Role("deferred", "__get__"),
    ]
    assert "generic" in {known.part for known in roles.values()}
    assert {known.part for known in roles.values()} >= module.DESCRIPTORS


@pytest.mark.parametrize(
    "factory",
    [
        create_reverse_many_to_one_manager,
        create_forward_many_to_many_manager,
        create_generic_related_manager,
    ],
)
def test_methods_of_related_managers_are_known(factory: object) -> None:
    """They are made in functions, anew for each relation, but their code is the same."""
    assert roles[inner(factory, "add")] == Role("manager", "add")
    assert roles[inner(factory, "create")] == Role("manager", "create")
    assert inner(factory, "get_queryset") not in roles
    assert internals[inner(factory, "set")] == "set"


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (Model._perform_unique_checks, "validation"),
        (ForeignKey.validate, "validation"),
        (Collector.collect, "cascade"),
        (DatabaseCache.get_many, "cache"),
        (ContentTypeManager.get_for_model, "content_type"),
        (SessionStore.save, "session"),
    ],
    ids=lambda value: getattr(value, "__qualname__", value),
)
def test_the_orms_own_affairs_are_known(function: object, reason: str) -> None:
    """Nobody can add an eager load to a cascade or to a session."""
    assert internals[id(function.__code__)] == reason  # type: ignore[attr-defined]  # functions have it


def test_contrib_apps_that_are_not_installed_are_not_imported() -> None:
    """Their models cannot be, without them in INSTALLED_APPS."""
    roles.clear()
    internals.clear()
    with override_settings(INSTALLED_APPS=["perfkit"]):
        module.install()
    assert role(QuerySet.get) == Role("queryset", "get")
    assert "generic" not in {known.part for known in roles.values()}
    assert not {"session", "content_type"} & set(internals.values())
