"""The sums of a session: a finding is one, however many tests, runs and processes show it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from perfkit.acceptance.accepted import Acceptance
from perfkit.record import EagerLoad, Finding, RequestRecord, Site
from perfkit.testing.expectation import Expectation, advice
from perfkit.testing.ledger import LEAST_RECORDINGS, Ledger, packed
from perfkit.testing.recording import Outcome
from perfkit.testing.summary import summary

SITE = Site("shop/views.py", 12, "catalogue")


def finding(name: str = "a", **fields: Any) -> Finding:
    """Make a finding."""
    values: dict[str, Any] = {
        "kind": "n_plus_one",
        "severity": "warning",
        "message": "Book.author is read row by row",
        "count": 8,
        "saved": 8,
        "cost_ms": 1.0,
        "fingerprint": name * 12,
        "model": "shop.Book",
        "path": "author",
        "origin": SITE,
    }
    return Finding(**{**values, **fields})


def load(*, used: bool = False, rows: int = 3, path: str = "author") -> EagerLoad:
    """Make a note of a relation that was loaded along."""
    return EagerLoad("shop.Book", path, "select_related", SITE, rows, used)


def outcome(*findings: Finding, loads: tuple[EagerLoad, ...] = ()) -> Outcome:
    """Make what one run of a test did."""
    return Outcome((RequestRecord(findings=findings, eager_loads=loads),), findings)


def test_a_finding_is_told_as_it_was_worst() -> None:
    """Once for all tests, in whatever order they end; a warning counts more than any info."""
    ledger = Ledger()
    for test, found in {
        "one": finding(count=3, severity="info"),
        "two": finding(count=9),
        "three": finding(count=50, severity="info"),
    }.items():
        ledger.add(test, packed([outcome(found)], Expectation(), ()))
    (row,) = ledger.ordered("new")
    assert (row.finding.count, row.finding.severity) == (9, "warning")
    assert row.tests == ["one", "two", "three"]
    assert ledger.tests == 3


def test_a_test_that_runs_again_counts_once() -> None:
    """A rerun of a flaky test, and the examples of one."""
    ledger = Ledger()
    text = packed([outcome(finding()), outcome(finding(count=2))], Expectation(), ())
    ledger.add("one", text)
    ledger.add("one", text)
    (row,) = ledger.ordered("new")
    assert row.tests == ["one"]
    assert row.finding.count == 8


def test_warnings_come_first_and_then_what_saves_most() -> None:
    """The reader begins at the top."""
    ledger = Ledger()
    found = (
        finding("a", severity="info", saved=90),
        finding("b", saved=4),
        finding("c", saved=40),
    )
    ledger.add("one", packed([outcome(*found)], Expectation(), ()))
    assert [row.finding.fingerprint[0] for row in ledger.ordered("new")] == ["c", "b", "a"]


def test_a_relation_that_no_test_reads_is_told_with_its_sample() -> None:
    """At the end, once; not before enough recordings have loaded it."""
    ledger = Ledger()
    few = Ledger()
    for number in range(LEAST_RECORDINGS):
        told = packed([outcome(loads=(load(), load(rows=0, path="editor")))], Expectation(), ())
        ledger.add(f"test {number}", told)
        if number:
            few.add(f"test {number}", told)
    for each in (ledger, few):
        each.note_unused(Acceptance(()))
    assert few.ordered("new") == []
    (row,) = ledger.ordered("new")
    assert (row.finding.kind, row.finding.severity) == ("unused_eager_load", "info")
    assert row.finding.path == "author"
    lines = list(summary(ledger))
    assert lines[0] == f"1 info in {LEAST_RECORDINGS} tests"
    assert f"loaded in {LEAST_RECORDINGS} recordings, read in none" in lines[2]


def test_a_relation_that_one_test_reads_is_used() -> None:
    """Whichever process runs that test."""
    ledger = Ledger()
    for number in range(LEAST_RECORDINGS * 2):
        loads = (load(used=number == 3),)
        ledger.add(f"test {number}", packed([outcome(loads=loads)], Expectation(), ()))
    ledger.note_unused(Acceptance(()))
    assert ledger.ordered("new") == []


def test_add_it_and_remove_it_are_never_told_together() -> None:
    """Where the same relation is missing elsewhere, nothing is said about taking it out."""
    ledger = Ledger()
    for number in range(LEAST_RECORDINGS):
        told = packed([outcome(finding(), loads=(load(),))], Expectation(), ())
        ledger.add(f"test {number}", told)
    ledger.note_unused(Acceptance(()))
    assert [row.finding.kind for row in ledger.ordered("new")] == ["n_plus_one"]


def test_what_the_site_accepts_is_not_told() -> None:
    """A rule of IGNORE holds for what only the whole session shows, too."""
    ledger = Ledger()
    for number in range(LEAST_RECORDINGS):
        ledger.add(f"test {number}", packed([outcome(loads=(load(),))], Expectation(), ()))
    ledger.note_unused(Acceptance(((("KIND", "unused_eager_load"),),)))
    assert ledger.ordered("new") == []


def test_a_merged_finding_is_allowed_path_by_path() -> None:
    """One edit covers both; a marker that allows one of them does not allow the edit's other half."""
    both = finding(path="author__publisher, tags")
    one = Expectation(allow=("n_plus_one:shop.Book.author__publisher",))
    two = Expectation(allow=(*one.allow, "n_plus_one:shop.Book.tags"))
    assert not one.allows(both)
    assert two.allows(both)


def test_what_to_write_to_accept_a_finding() -> None:
    """What the summary proposes allows the finding, and as little else as can be said."""
    both = finding(path="author, tags")
    writes = finding(kind="write_loop", path="")
    told = [advice(each) for each in (finding(), both, writes)]
    assert told == ["n_plus_one:shop.Book.author", both.fingerprint, "write_loop:shop.Book"]
    for name, found in zip(told, (finding(), both, writes), strict=True):
        assert Expectation(allow=(name,)).allows(found)


def test_where_no_model_is_known_the_tables_are_named() -> None:
    """Raw statements have no model."""
    raw = replace(
        finding(), model="", path="", shape='SELECT "name" FROM "shop_book" WHERE "id" = ?'
    )
    assert Expectation(allow=("n_plus_one:shop_book",)).allows(raw)
    assert not Expectation(allow=("n_plus_one:shop_author",)).allows(raw)


def test_a_failure_of_ours_is_told_and_fails_nothing() -> None:
    """Of a test that could not be looked at, nothing is known."""
    ledger = Ledger()
    ledger.add("one", packed([], Expectation(), (), failed=True))
    assert list(summary(ledger)) == [
        "No findings in 1 test",
        "perfkit failed to look at 1 test: see the log of perfkit in the first of them",
    ]


def test_latent_findings_do_not_fill_the_screen() -> None:
    """Those beyond the first twenty are counted; warnings are all told."""
    ledger = Ledger()
    severities = ["warning"] * 30 + ["info"] * 25
    found = [finding(f"{at:02}", severity=severity) for at, severity in enumerate(severities)]
    ledger.add("one", packed([outcome(*found)], Expectation(), ()))
    lines = list(summary(ledger))
    assert lines[0] == "30 warnings and 25 info in 1 test"
    assert sum(", warning: " in line for line in lines) == 30
    assert sum(", info: " in line for line in lines) == 20
    assert lines[-1] == "and 5 more info; --perfkit-json=FILE tells all"
