"""Cases as parameters of a test: each by its id, with the database it needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django
import pytest

from tests.nplusone.case import Case


def shown(cases: Iterable[Case]) -> list[Any]:
    """Name each case and mark what it needs; skip what the running Django does not have."""
    return [pytest.param(case, id=case.id, marks=_marks(case)) for case in cases]


def _marks(case: Case) -> list[pytest.MarkDecorator]:
    marks = [pytest.mark.django_db(transaction=case.commits)]
    if case.needs == "fetch_modes":
        old = django.VERSION < (6, 1, 2)
        marks.append(pytest.mark.skipif(old, reason="fetch modes work from Django 6.1.2 on"))
    return marks
