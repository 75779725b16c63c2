"""What is no loop, or none that an edit would do away with, is not flagged."""

from __future__ import annotations

from typing import Any

import pytest

from perfkit.record import Finding
from tests.nplusone.case import Case
from tests.nplusone.must_not_flag import CASES
from tests.nplusone.must_not_flag_watch import told, watch
from tests.nplusone.shown import shown

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rows")]

#: The catalogue's rows that are shown by tests instead of cases, in test_must_not_flag_contexts.py.
ELSEWHERE = {"N33", "N34", "N35", "N38", "N39", "N40", "N41", "N42"}


@pytest.fixture(autouse=True)
def no_clocks(settings: Any) -> None:
    """Judge by counts: on a loaded machine three statements may well take 5 ms."""
    settings.PERFKIT = {"STORE": False, "N_PLUS_ONE_MS": 60_000, "SLOW_QUERY_MS": 60_000}


def is_wrong(finding: Finding, case: Case) -> bool:
    """Tell whether a finding is one too many."""
    if finding.kind in case.also:
        return False
    return finding.severity == "warning" or case.severity != "info"


@pytest.mark.parametrize("case", shown(CASES))
def test_stays_silent(case: Case) -> None:
    """No warning, and no finding at all unless the catalogue allows an info; nothing else changes."""
    watched = watch(case.run, prepare=case.prepare)
    wrong = [finding for finding in watched.findings if is_wrong(finding, case)]
    assert not wrong, f"{case.shape}\n{told(wrong)}"


@pytest.mark.parametrize("name", ["N13", "N13b", "N13c", "N14", "N15b", "N17", "N17b"])
def test_what_was_read_counts_as_used(name: str) -> None:
    """A relation loaded along and read, through ``to_attr`` too, is never called unused."""
    (case,) = (case for case in CASES if case.id == name)
    loads = watch(case.run, prepare=case.prepare).record.eager_loads
    assert [load for load in loads if not load.used] == []


@pytest.mark.parametrize("name", ["N19", "N19b"])
def test_what_loaded_nothing_is_not_called_unused(name: str) -> None:
    """An empty result says nothing about its eager loading."""
    (case,) = (case for case in CASES if case.id == name)
    loads = watch(case.run, prepare=case.prepare).record.eager_loads
    assert [load for load in loads if load.rows and not load.used] == []


def test_every_row_of_the_catalogue_is_here() -> None:
    """N01 to N43: a case each, or a test."""
    found = {case.id[:3] for case in CASES} | ELSEWHERE
    assert found == {f"N{number:02}" for number in range(1, 44)}


def test_ids_are_unique() -> None:
    """Each case is named once."""
    ids = [case.id for case in CASES]
    assert len(ids) == len(set(ids))
