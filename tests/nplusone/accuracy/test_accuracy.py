"""How the comparison judges what a tool said, on alerts written by hand: no other tool is needed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.nplusone.accuracy.alerts import Alert, Step, steps
from tests.nplusone.accuracy.marks import ASPECTS, asked, of_alerts
from tests.nplusone.accuracy.page import page
from tests.nplusone.accuracy.scores import Share, ask_alike, result
from tests.nplusone.accuracy.tools import TOOLS
from tests.nplusone.accuracy.written import saves
from tests.nplusone.case import Case, line_of
from tests.nplusone.must_flag import CASES as MUST_FLAG
from tests.nplusone.must_not_flag import CASES as MUST_NOT_FLAG

BY_ID = {case.id: case for case in (*MUST_FLAG, *MUST_NOT_FLAG)}


@pytest.mark.parametrize(
    ("fix", "expected"),
    [
        ('.select_related("author__publisher")', {("Book", "select_related", "author__publisher")}),
        (
            '.select_related("author").prefetch_related("tags", "editions")',
            {
                ("Book", "select_related", "author"),
                ("Book", "prefetch_related", "tags"),
                ("Book", "prefetch_related", "editions"),
            },
        ),
        (
            '.prefetch_related(Prefetch("books", queryset=Book.objects.filter(price=1)))',
            {("Book", "prefetch_related", "books")},
        ),
        ("Author.objects.in_bulk(pks)", {("Author", "in_bulk", "")}),
        (
            'Author.objects.in_bulk(names, field_name="name")',
            {("Author", "in_bulk", "name")},
        ),
        ("Book.objects.bulk_create(books)", {("Book", "bulk_create", "")}),
        ('list_select_related = ("author",)', {("Book", "list_select_related", "author")}),
        ('.annotate(n=Count("review", distinct=True))', {("Book", "annotate", "")}),
    ],
)
def test_calls_of_a_fix(fix: str, expected: set[tuple[str, str, str]]) -> None:
    """A fix is compared by its calls, so that spelling does not matter."""
    assert steps(fix, "corpus.Book") == expected


def test_a_right_alert_gets_every_mark(db: None, rows: None) -> None:
    """Name, line and code as the corpus has them; the code is tried."""
    said = Alert(
        "add it", "author", line_of("S01 access"), (Step("Book", "select_related", "author"),)
    )
    assert of_alerts(BY_ID["S01"], [said]).right == dict.fromkeys(ASPECTS, True)


def test_a_wrong_alert_is_recall_and_nothing_else(db: None, rows: None) -> None:
    """Something was said of the case, but not what helps."""
    said = Alert("add it", "tags", None, (Step("Book", "prefetch_related", "tags"),))
    right = of_alerts(BY_ID["S01"], [said]).right
    assert [name for name, value in right.items() if value] == ["flagged"]


def test_silence_is_wrong_in_all_that_is_asked() -> None:
    """What was not flagged has no right path either."""
    right = of_alerts(BY_ID["S01"], []).right
    assert right == dict.fromkeys(ASPECTS, False)


def test_unused_eager_loads_are_no_repeats() -> None:
    """An alert on another matter is not on the case, but breaks a silence."""
    said = Alert("remove it", "author", kind="unused_eager_load")
    assert of_alerts(BY_ID["S01"], [said]).right["flagged"] is False
    assert of_alerts(BY_ID["N01"], [said]).right["flagged"] is True


def test_where_a_hint_is_allowed_an_alert_passes_for_one() -> None:
    """A tool that knows one level only is not held to two."""
    assert BY_ID["N37"].severity == "info"
    assert of_alerts(BY_ID["N37"], [Alert("a loop")]).right["flagged"] is False


def test_what_is_right_beside_the_silence_is_no_false_alarm() -> None:
    """A case that writes in a loop may be flagged for that, not for its reads."""
    assert "write_loop" in BY_ID["N21"].also
    assert of_alerts(BY_ID["N21"], [Alert("a loop", kind="write_loop")]).right["flagged"] is False
    assert of_alerts(BY_ID["N21"], [Alert("a loop")]).right["flagged"] is True


@pytest.mark.parametrize(
    ("case", "step", "expected"),
    [
        ("S01", Step("Book", "select_related", "author"), True),
        ("S01", Step("Author", "select_related", "publisher"), False),
        ("S01", Step("Book", "select_related", "tags"), False),  # raises
        ("S02", Step("Book", "select_related", "author"), True),  # iterator()
        ("S09", Step("Author", "prefetch_related", "books"), True),
        ("S25", Step("Book", "select_related", "author"), False),  # asked by hand: joined or not
        ("S46", Step("Book", "select_related", "author"), False),  # raw()
    ],
)
def test_suggested_calls_are_tried(
    case: str, step: Step, expected: bool, db: None, rows: None
) -> None:
    """Written into the case's querysets of that model, they must run and save statements."""
    assert saves(BY_ID[case], [step]) is expected


def test_each_must_flag_case_is_asked_for_something_and_no_other_is() -> None:
    """A silent case has no path, line or fix to be right about."""
    for case in MUST_FLAG:
        assert asked(case)["flagged"]
    for case in MUST_NOT_FLAG:
        assert [name for name, value in asked(case).items() if value] == ["flagged"]


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (Share(0, 7), "0 %"),
        (Share(1, 999), "1 %"),
        (Share(998, 999), "99 %"),
        (Share(7, 7), "100 %"),
    ],
)
def test_percent_never_hides_the_last_miss(share: Share, expected: str) -> None:
    """All is all and none is none; nothing is rounded up to either."""
    assert share.percent == expected


def mark(case: Case, **right: Any) -> dict[str, Any]:
    """Write a mark as a process does."""
    return {
        "id": case.id,
        "shape": case.shape,
        "must_flag": bool(case.kind),
        "right": {name: right.get(name, False) for name in ASPECTS},
        "said": [],
        "crash": right.get("crash", ""),
        "skipped": "",
    }


def test_perfkit_holds_only_when_nothing_is_missed_flagged_or_broken() -> None:
    """What the exit status of `make accuracy` says."""

    def holds(*marks: dict[str, Any], failure: str = "") -> bool:
        return result("6.1", "3.13.0", "perfkit", {"marks": marks}, failure).holds

    found, silent = BY_ID["S01"], BY_ID["N01"]
    assert holds(mark(found, flagged=True), mark(silent))
    assert not holds(mark(found))
    assert not holds(mark(silent, flagged=True))
    assert not holds(mark(silent, crash="ValueError: no"))
    assert not holds(failure="ImportError: no")


def test_page_tells_what_crashed_and_what_did_not_start() -> None:
    """A tool that does not survive a Django is in the matrix all the same."""
    case = BY_ID["S01"]
    results = [
        result("6.1", "3.13.0", name, {"marks": [mark(case, flagged=name == "perfkit")]}, "")
        for name in TOOLS
        if name != "nplusone"
    ]
    results.append(result("6.1", "3.13.0", "nplusone", {}, "ImportError: no such name"))
    ask_alike(results)
    text = page(results)
    assert "does not run: ImportError: no such name" in text
    assert f"| S01 | {case.shape} | ✓✗✗✗✗ | ✗✗✗-- | ✗✗✗✗✗ |  |" in text
