"""What the hooks rely on is looked for before it is relied on, and what is missing is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from django.core.cache.backends.base import BaseCache
from django.core.checks import run_checks
from django.core.handlers.base import BaseHandler
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet, query
from django.db.models.base import ModelState
from django.db.models.deletion import Collector
from django.template.base import Node

from perfkit import hooks
from perfkit.capture.fit import HOOKS, misfits
from perfkit.capture.needs import Misfit, code_at, has, mentions, the
from perfkit.capture.parts import code_of, find


@pytest.fixture(autouse=True)
def probed_anew() -> Iterator[None]:
    """Probe Django as a test leaves it, and forget that afterwards."""
    hooks.uninstall()
    misfits.cache_clear()
    yield
    misfits.cache_clear()
    hooks.install()


class NoRouter:
    """Fails when it is asked for a database."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        raise AssertionError("a probe asked for a database")


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.name)
def test_every_hook_fits_this_django(hook: Any) -> None:
    """And is probed without a database, and by no code of the site's."""
    hook.probe()


def test_no_router_is_asked(settings: Any) -> None:
    """A site's router may do anything when it is asked."""
    settings.DATABASE_ROUTERS = [NoRouter()]
    assert misfits() == {}


def test_a_site_without_contrib_apps_is_probed(settings: Any) -> None:
    """Their models cannot be imported without them in INSTALLED_APPS."""
    settings.INSTALLED_APPS = ["perfkit"]
    assert misfits() == {}


def longer_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let len() go through one more function."""
    original = QuerySet.__len__
    monkeypatch.setattr(QuerySet, "__len__", lambda self: original(self))


def other_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another package load the rows, as those that cache querysets do."""
    original: Any = QuerySet._fetch_all

    def fetch_cached(self: Any) -> None:
        original(self)

    monkeypatch.setattr(QuerySet, "_fetch_all", fetch_cached)


def other_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the local variables of a prefetch otherwise."""
    original: Any = query.prefetch_one_level
    monkeypatch.setattr(query, "prefetch_one_level", lambda *given: original(*given))


def other_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the arguments of aggregate() otherwise."""
    original: Any = QuerySet.aggregate
    monkeypatch.setattr(
        QuerySet, "aggregate", lambda self, *terms, **named: original(self, *terms, **named)
    )


def other_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the argument of a cache's get() otherwise."""
    monkeypatch.setattr(BaseCache, "get", lambda self, name, default=None, version=None: default)


def no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the functions that run a statement elsewhere."""

    @contextmanager
    def execute_wrapper(self: Any, wrapper: Any) -> Iterator[None]:
        yield

    monkeypatch.setattr(BaseDatabaseWrapper, "execute_wrapper", execute_wrapper)


def other_dict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep joined rows in a dict of another kind."""
    monkeypatch.setattr(ModelState, "fields_cache", type("Joined", (dict,), {})())


class Wrapper:
    """Does what a method does, and is no function."""

    def __init__(self, method: Any) -> None:
        self.method = method

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else partial(self.method, instance)


def wrapped(cls: type, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Put a wrapper in the place of a method."""

    def wrap(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cls, name, Wrapper(vars(cls)[name]))

    wrap.__name__ = f"{cls.__name__}.{name}"
    return wrap


#: A change in Django or asgiref -> the hooks that it turns off, with words of the reason.
CHANGES: list[tuple[Callable[[pytest.MonkeyPatch], None], dict[str, str]]] = [
    (no_list, {"database hook": "execute_wrapper() does not put its function into"}),
    (other_key, {"cache hook": "BaseCache.get has no local name 'key'"}),
    (longer_walk, {"origin hook": "QuerySet.get() does not come to _fetch_all through __len__"}),
    (other_loader, {"origin hook": "QuerySet._fetch_all is not what loads the rows"}),
    (
        other_names,
        {
            "prefetch hook": "prefetch_one_level has no local name 'lookup'",
            "eager load hook": "prefetch_one_level does without _prefetched_objects_cache",
        },
    ),
    (other_arguments, {"relation hook": "QuerySet.aggregate has no local name 'args'"}),
    (other_dict, {"eager load hook": "ModelState.fields_cache is no dict"}),
    (wrapped(Collector, "collect"), {"internals hook": "Collector.collect is no function"}),
    (wrapped(Node, "render_annotated"), {"template hook": "render_annotated is no function"}),
    (wrapped(SyncToAsync, "thread_handler"), {"coroutine hook": "thread_handler is no function"}),
    (wrapped(BaseHandler, "resolve_request"), {"answer hook": "resolve_request is no function"}),
    (wrapped(BaseHandler, "get_response"), {"boundary hook": "get_response is no function"}),
]


@pytest.mark.parametrize(
    ("change", "reasons"), CHANGES, ids=[change.__name__ for change, _ in CHANGES]
)
def test_a_change_is_noticed_by_the_hooks_that_it_breaks(
    change: Callable[[pytest.MonkeyPatch], None],
    reasons: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And by no other; the check tells which, why, and what is lost."""
    change(monkeypatch)
    found = misfits()
    assert found.keys() == reasons.keys()
    messages = [each for each in run_checks(tags=["perfkit"]) if each.id == "perfkit.W005"]
    lost = {hook.name: hook.lost for hook in HOOKS}
    for message, (hook, reason) in zip(messages, reasons.items(), strict=True):
        assert reason in found[hook]
        assert message.msg.startswith(f"The {hook} does not fit Django ")
        assert found[hook] in message.msg
        assert lost[hook] in str(message.hint)


def test_every_hook_has_a_change_that_breaks_it() -> None:
    """And one name."""
    names = [hook.name for hook in HOOKS]
    assert len(set(names)) == len(names)
    assert {hook for _, reasons in CHANGES for hook in reasons} == set(names)


def test_a_probe_that_fails_is_a_hook_that_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was changed, and however that shows."""

    def closed(*args: Any, **kwargs: Any) -> None:
        raise TypeError("needs a model since this release")

    monkeypatch.setattr(QuerySet, "__init__", closed)
    found = misfits()
    assert found["origin hook"] == "TypeError: needs a model since this release"
    assert "database hook" not in found


def test_a_part_is_found_by_its_path() -> None:
    """In modules that are there and those that are not."""
    assert find("django.db.models.query:QuerySet.get") is QuerySet.get
    assert find("django.db.models.query:QuerySet.no_such") is None
    assert find("django.no_such:QuerySet") is None


def test_a_function_that_is_missing_is_stood_in_for() -> None:
    """By a code object that no frame ever runs, so nothing is mistaken for it."""
    code = code_of("django.db.models.query:QuerySet.get", "self", "clone")
    assert code is QuerySet.get.__code__
    nowhere = code_of("django.db.models.query:QuerySet.no_such")
    assert nowhere.co_name == "_never_run"
    assert code_of("django.db.models.query:QuerySet.get", "self", "no_such") is nowhere
    assert code_of("django.db.models.query:QuerySet") is nowhere


@pytest.mark.parametrize(
    ("need", "words"),
    [
        (lambda: the("django.db:no_such"), "there is no django.db.no_such"),
        (lambda: has(QuerySet, "get", "no_such"), "QuerySet has no no_such"),
        (lambda: has(QuerySet(), "no_such"), "QuerySet has no no_such"),
        (lambda: code_at("django.db:models"), "django.db.models is no function"),
        (
            lambda: code_at("django.db.models:Model.save", "self", "no_such"),
            "django.db.models.Model.save has no local name 'no_such'",
        ),
        (
            lambda: mentions("django.db.models:Model.save", "no_such"),
            "django.db.models.Model.save does without no_such",
        ),
    ],
)
def test_what_is_missing_is_named(need: Callable[[], Any], words: str) -> None:
    """So that a reader of the check finds it in Django's sources."""
    with pytest.raises(Misfit) as failure:
        need()
    assert str(failure.value) == words
