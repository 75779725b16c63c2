"""What nobody reads is told of many recordings together, and never against another finding."""

from __future__ import annotations

from typing import Any

import pytest

from perfkit.analyzers.eager_loading import MINIMUM, Uses, count, merged, unused
from perfkit.record import EagerLoad, Finding, RequestRecord, Site

LINE = Site("shop/views.py", 25, "catalog")
JOIN = "select_related"
PREFETCH = "prefetch_related"


def load(path: str = "author", method: str = JOIN, **fields: Any) -> EagerLoad:
    """Make a fact of one recording."""
    values: dict[str, Any] = {"model": "shop.Book", "site": LINE, "rows": 3, "used": False}
    return EagerLoad(path=path, method=method, **{**values, **fields})


def uses(path: str = "author", method: str = JOIN, **fields: Any) -> Uses:
    """Make the counts of a relation that enough recordings loaded and none read."""
    return Uses(
        load(path, method, **fields.pop("load", {})),
        **{"recordings": MINIMUM, "used": 0, **fields},
    )


def finding(**fields: Any) -> Finding:
    """Make a finding of another kind."""
    values: dict[str, Any] = {
        "kind": "n_plus_one", "severity": "warning", "message": "", "count": 9, "saved": 9,
        "cost_ms": 1.0, "fingerprint": "f", "model": "shop.Book", "path": "author",
    }  # fmt: skip
    return Finding(**{**values, **fields})


def test_a_relation_that_nobody_reads_is_told() -> None:
    """Which, where, in how many recordings; words and no code, as the call may be anywhere."""
    (found,) = unused([uses()])
    assert found == Finding(
        kind="unused_eager_load",
        severity="info",
        message="shop.Book: author is loaded along by select_related() and nobody reads it; "
        "take it out of select_related() where the queryset is built",
        count=MINIMUM,
        saved=0,
        cost_ms=0.0,
        fingerprint=found.fingerprint,
        model="shop.Book",
        path="author",
        origin=LINE,
    )


def test_a_prefetch_is_a_statement_each_time() -> None:
    """What a join saves is not known; a prefetch is one statement at least."""
    (found,) = unused([uses("tags", PREFETCH, recordings=30)])
    assert (found.count, found.saved) == (30, 30)


@pytest.mark.parametrize(
    "counts", [{"recordings": MINIMUM - 1}, {"recordings": 500, "used": 1}, {"used": MINIMUM}]
)
def test_few_recordings_or_one_read_tell_nothing(counts: dict[str, int]) -> None:
    """A relation that one branch in five hundred reads is read."""
    assert unused([uses(**counts)]) == []


def test_a_session_may_ask_for_less() -> None:
    """Tests visit a line less often than users do."""
    assert unused([uses(recordings=2)], minimum=2)
    assert unused([uses(recordings=1)], minimum=2) == []


def test_most_recordings_come_first() -> None:
    """Among equals by name."""
    found = unused([uses("b"), uses("a"), uses("c", recordings=50)])
    assert [each.path for each in found] == ["c", "a", "b"]


def test_what_lies_behind_is_part_of_the_same_edit() -> None:
    """One finding for a chain that nobody enters, which names all of it."""
    (found,) = unused(
        [
            uses("author__publisher"),
            uses("author"),
            uses("author__books", PREFETCH, recordings=25),
            uses("author__books__tags", PREFETCH, recordings=22),
        ]
    )
    assert (found.path, found.saved) == ("author", 47)
    assert found.message.endswith(
        ", with what is loaded through it: author__books, author__books__tags, author__publisher"
    )


def test_the_end_of_a_chain_alone_leaves_the_rest() -> None:
    """Taking out the whole lookup would bring back the loop over its first step."""
    (found,) = unused([uses("author__publisher"), uses("author", used=3)])
    assert found.path == "author__publisher"
    assert found.message.endswith("nobody reads it; load no more than author there")


def test_a_relation_with_a_longer_name_is_another() -> None:
    """A name that begins alike is no path."""
    assert len(unused([uses("author"), uses("author_of_foreword")])) == 2


def test_other_lines_and_models_are_told_apart() -> None:
    """The same relation is read from one queryset and not from another."""
    elsewhere = Site("shop/views.py", 70, "detail")
    found = unused(
        [
            uses(used=1),
            uses(load={"site": elsewhere}),
            uses("author__books", load={"model": "shop.Novel"}),
        ]
    )
    assert [(each.model, each.origin) for each in found] == [
        ("shop.Book", elsewhere),
        ("shop.Novel", LINE),
    ]


def test_lines_move_and_the_finding_stays() -> None:
    """The same function after a deploy: one finding, all recordings."""
    moved = Site("shop/views.py", 31, "catalog")
    (found,) = unused([uses(), uses(recordings=40, load={"site": moved})])
    assert (found.count, found.origin) == (MINIMUM + 40, moved)
    assert found.fingerprint == unused([uses()])[0].fingerprint


def test_methods_and_functions_are_told_apart() -> None:
    """Different edits have different names."""
    other = Site("shop/views.py", 25, "other")
    found = unused([uses(), uses(method=PREFETCH), uses(load={"site": other})])
    assert len({each.fingerprint for each in found}) == 3


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"path": "tags, author"},
        {"path": "author__publisher"},
        {"kind": "deferred_load", "path": "author__name"},
        {"kind": "wasted_prefetch"},
    ],
)
def test_nothing_is_to_be_added_and_removed_at_once(fields: dict[str, Any]) -> None:
    """A relation that another finding asks for, or for a part of which it asks, is not told."""
    assert unused([uses()], [finding(**fields)]) == []


def test_the_beginning_of_a_chain_speaks_for_its_end() -> None:
    """Told to join the author, nobody wants to hear that author__publisher is too much."""
    assert unused([uses("author__publisher")], [finding()]) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "shop.Novel"},
        {"path": "author_of_foreword"},
        {"path": "tags"},
        {"path": ""},
        {"kind": "duplicate_query"},
        {"kind": "unused_eager_load"},
    ],
)
def test_other_findings_take_nothing_away(fields: dict[str, Any]) -> None:
    """Another model, another relation, another matter."""
    assert unused([uses()], [finding(**fields)])


def test_recordings_are_counted() -> None:
    """Each record once for each relation it loaded."""
    records = [
        RequestRecord(eager_loads=(load(), load("tags", PREFETCH, used=True))),
        RequestRecord(eager_loads=(load(used=True),)),
        RequestRecord(),
    ]
    assert [(each.load.path, each.recordings, each.used) for each in count(records)] == [
        ("author", 2, 1),
        ("tags", 1, 1),
    ]


def test_counts_of_several_processes_add_up() -> None:
    """Workers of a test session each bring theirs."""
    assert merged([uses(), uses("tags"), uses(recordings=5, used=1)]) == [
        uses(recordings=MINIMUM + 5, used=1),
        uses("tags"),
    ]
