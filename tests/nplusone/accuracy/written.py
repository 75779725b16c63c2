"""Writes what another tool suggests into a case's querysets while the case runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any

import django
from django.db.models import QuerySet

from tests.nplusone.accuracy.alerts import Step
from tests.nplusone.case import Case
from tests.nplusone.judge import count

_DJANGO = str(Path(django.__file__).parent)
#: Functions in which Django evaluates querysets of its own: descriptors, prefetching, reloading.
_LOADERS = {"__get__", "fetch_one", "fetch_many", "prefetch_one_level", "refresh_from_db"}
_METHODS = ("select_related", "prefetch_related")


def saves(case: Case, steps: Iterable[Step]) -> bool:
    """Tell whether the suggestions run, give an equal result and save statements.

    Only suggestions that name a queryset's method and its argument can be tried as they stand.
    """
    able = {step for step in steps if step.method in _METHODS and step.relation}
    if not able:
        return False
    before, statements = count(case, case.run)
    try:
        with _written(able):
            after, fewer = count(case, case.run)
    except Exception:  # noqa: BLE001  # a suggestion that raises, in whatever way, is a wrong one
        return False
    return before == after and fewer < statements


@contextmanager
def _written(steps: Iterable[Step]) -> Iterator[None]:
    """Apply the calls to every queryset of rows of the models named, just before it is evaluated.

    "Your Book queryset" may be any that the code wrote, a manager's too; not one that Django makes
    for itself.
    """

    def amend(queryset: Any) -> None:
        if queryset._result_cache is not None or queryset._fields is not None or _is_djangos():
            return
        for step in steps:
            if step.model == queryset.model.__name__:
                changed = getattr(queryset._chain(), step.method)(step.relation)
                queryset.query = changed.query
                queryset._prefetch_related_lookups = changed._prefetch_related_lookups

    def amending(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def amended(self: Any, *args: Any, **kwargs: Any) -> Any:
            amend(self)
            return method(self, *args, **kwargs)

        return amended

    names = ("_fetch_all", "iterator", "aiterator")
    originals = {name: getattr(QuerySet, name) for name in names}
    for name in names:
        setattr(QuerySet, name, amending(originals[name]))
    try:
        yield
    finally:
        for name in names:
            setattr(QuerySet, name, originals[name])


def _is_djangos() -> bool:
    """Tell whether Django evaluates a queryset of its own, to load a relation lazily or ahead."""
    frame: FrameType | None = sys._getframe(1)
    while frame and frame.f_code.co_filename.startswith((_DJANGO, __file__)):
        if frame.f_code.co_name in _LOADERS:
            return True
        frame = frame.f_back
    return False
