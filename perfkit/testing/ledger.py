"""What a whole test session found: each finding once, with the tests it was found in.

It is fed with the text that a test's report carries: under pytest-xdist the process that prints is
none of those that run tests.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from perfkit.acceptance.accepted import Acceptance
from perfkit.analyzers.eager_loading import Uses, count, unused
from perfkit.record import EagerLoad, Finding, RequestRecord, Site, finding_from
from perfkit.report.baseline import Baseline
from perfkit.testing.expectation import Expectation
from perfkit.testing.recording import Outcome, costliest

#: Grows when a key of the JSON file goes or changes its meaning.
SCHEMA = 1

#: Recordings that must have loaded a relation before it counts as never read: a test shows one case
#: of a page, and the relation may be for another.
LEAST_RECORDINGS = 5


@dataclass(slots=True)
class Row:
    """One finding of the session.

    Attributes:
        finding: as it was where it covers the most statements.
        tests: ids of the tests that it was found in, in the order they ended.
        allowed_in: those of them whose marker allows it.
        known: the baseline has it.
    """

    finding: Finding
    known: bool
    tests: list[str] = field(default_factory=list)
    allowed_in: set[str] = field(default_factory=set)

    @property
    def status(self) -> str:
        """``known`` from the baseline, ``allowed`` by the marker of each of its tests, or ``new``."""
        if self.known:
            return "known"
        return "allowed" if self.allowed_in.issuperset(self.tests) else "new"

    @property
    def new_in(self) -> list[str]:
        """Ids of the tests whose marker does not allow it."""
        return [test for test in self.tests if test not in self.allowed_in]


def packed(
    outcomes: Iterable[Outcome],
    expectation: Expectation,
    accepted: Collection[str],
    *,
    failed: bool = False,
) -> str:
    """Write down what one test did, for its report.

    Args:
        outcomes: of each run of the test.
        expectation: the test's markers.
        accepted: keys of the rules and comments that accepted something since the last test.
        failed: we did, and what the test did is not known.
    """
    outcomes = list(outcomes)
    findings = costliest(finding for outcome in outcomes for finding in outcome.findings)
    return json.dumps(
        {
            "findings": [(asdict(finding), expectation.allows(finding)) for finding in findings],
            "loads": [
                (asdict(uses.load), uses.recordings, uses.used)
                for uses in count(_loading(outcomes))
            ],
            "accepted": sorted(accepted),
            "failed": failed,
        },
        default=str,  # a finding of the site's own analyzer may hold what is no JSON
    )


def _loading(outcomes: Iterable[Outcome]) -> Iterator[RequestRecord]:
    """Yield the records with the relations that were loaded for at least one row."""
    for outcome in outcomes:
        for record in outcome.records:
            loads = tuple(load for load in record.eager_loads if load.rows or load.used)
            yield replace(record, eager_loads=loads)


class Ledger:
    """The sums of a session.

    Args:
        baseline: known findings, if there is a file of them.

    Attributes:
        tests: how many tests were recorded.
        rows: the findings, by fingerprint.
        accepted: keys of the rules and comments that accepted something.
        failed: ids of the tests that we failed to look at.
    """

    def __init__(self, baseline: Baseline | None = None) -> None:
        self.baseline = baseline
        self.rows: dict[str, Row] = {}
        self.accepted: set[str] = set()
        self.failed: set[str] = set()
        self._tests: set[str] = set()
        self._loads: dict[tuple[str, str, str, Site | None], Uses] = {}
        self._loaded_in: dict[tuple[str, str, str, Site | None], list[str]] = {}

    @property
    def tests(self) -> int:
        """How many tests were recorded; one that was run again counts once."""
        return len(self._tests)

    def add(self, test: str, text: str) -> None:
        """Take over what ``packed`` wrote of one test."""
        self._tests.add(test)
        told = json.loads(text)
        self.accepted.update(told["accepted"])
        if told["failed"]:
            self.failed.add(test)
        for plain, allowed in told["findings"]:
            self.note(test, finding_from(plain), allowed=allowed)
        for plain, recordings, used in told["loads"]:
            site = plain["site"]
            load = EagerLoad(**{**plain, "site": Site(**site) if site else None})
            key = (load.model, load.path, load.method, load.site)
            known = self._loads.get(key, Uses(load, 0, 0))
            self._loads[key] = Uses(load, known.recordings + recordings, known.used + used)
            self._loaded_in.setdefault(key, []).append(test)

    def note(self, test: str, finding: Finding, *, allowed: bool) -> None:
        """Count one finding of one test."""
        row = self.rows.get(finding.fingerprint)
        if row is None:
            known = self.baseline is not None and self.baseline.knows(finding)
            row = self.rows[finding.fingerprint] = Row(finding, known)
        (row.finding,) = costliest((row.finding, finding))
        if test not in row.tests:
            row.tests.append(test)
        if allowed:
            row.allowed_in.add(test)

    def note_unused(self, acceptance: Acceptance) -> None:
        """Count the relations that were loaded again and again and never read, once at the end.

        Args:
            acceptance: the site's rules and comments; those of a single test do not count here.
        """
        findings = [row.finding for row in self.rows.values()]
        for finding in unused(self._loads.values(), findings, LEAST_RECORDINGS):
            if acceptance.accepts(finding.kind, finding.model, finding.path, (finding.origin,)):
                continue
            for (model, path, _, site), tests in self._loaded_in.items():
                # It may stand for several lines of one function.
                if (model, path, _scope(site)) == (
                    finding.model,
                    finding.path,
                    _scope(finding.origin),
                ):
                    for test in tests:
                        self.note(test, finding, allowed=False)

    def ordered(self, *statuses: str) -> list[Row]:
        """Return the rows of these statuses in their order, warnings first, then what saves most."""
        return sorted(
            (row for row in self.rows.values() if row.status in statuses),
            key=lambda row: (
                statuses.index(row.status),
                row.finding.severity != "warning",
                -row.finding.saved,
                row.finding.kind,
                row.finding.fingerprint,
            ),
        )

    def to_json(self, version: str) -> dict[str, Any]:
        """Return the session as plain JSON; ``docs/testing.rst`` explains each key."""
        return {
            "schema": SCHEMA,
            "perfkit": version,
            "tests": self.tests,
            "findings": [_plain(row) for row in self.ordered("new", "known", "allowed")],
        }


def _scope(site: Site | None) -> tuple[str, str] | None:
    return (site.file, site.function) if site else None


def _plain(row: Row) -> dict[str, Any]:
    plain = asdict(row.finding)
    plain["cost_ms"] = round(row.finding.cost_ms, 3)
    for part in plain["parts"]:
        part["cost_ms"] = round(part["cost_ms"], 3)
    return {"status": row.status, **plain, "tests": len(row.tests), "first_test": row.tests[0]}
