"""The JSON report has the keys that its document lists, and no other."""

from __future__ import annotations

import json
from pathlib import Path
from time import time
from typing import Any

import docutils.core
import docutils.nodes
import pytest

import perfkit
from perfkit.caching.decision import VERDICTS
from perfkit.caching.reasons import REASONS
from perfkit.conf import get_settings
from perfkit.metrics.aggregate import Window
from perfkit.metrics.sample import SLOWEST, Sample
from perfkit.report.baseline import write as write_baseline
from perfkit.report.cache_route import POLICIES
from perfkit.store.marks import add_mark
from perfkit.store.sink import StoreSink
from tests.caching.stored import visits, write_events

DOCUMENT = Path(__file__).parents[2] / "docs" / "report-json.rst"
ADVISOR = DOCUMENT.with_name("caching.rst")


@pytest.fixture(scope="module")
def documented() -> dict[str, set[str]]:
    """Map each section's title to the keys that it defines."""
    tree = docutils.core.publish_doctree(DOCUMENT.read_text(encoding="utf-8"))
    return {
        section[0].astext(): {term[0].astext() for term in section.findall(docutils.nodes.term)}
        for section in tree.findall(docutils.nodes.section)
    }


@pytest.fixture
def printed(make: Any, write: Any, run: Any, tmp_path: Path) -> dict[str, Any]:
    """Print a report that has every part."""
    write(make.request(findings=(make.loop(),)))
    known = str(tmp_path / "known.json")
    write_baseline(known, [make.loop(fingerprint="gone")])
    printed: dict[str, Any] = json.loads(run(format="json", baseline=known))
    return printed


def test_the_document_lists_exactly_the_keys(
    printed: dict[str, Any], documented: dict[str, set[str]]
) -> None:
    """Every part of a real report, against its section."""
    finding = printed["findings"][0]
    parts = {
        "The document": printed,
        "window": printed["window"],
        "totals": printed["totals"],
        "dropped": printed["totals"]["dropped"],
        "routes": printed["routes"][0],
        "findings": finding,
        "access and origin": finding["access"],
        "routes of a finding": finding["routes"][0],
        "baseline": printed["baseline"],
        "gone": printed["baseline"]["gone"][0],
        "store": printed["store"],
    }
    assert {name: set(part) for name, part in parts.items()} == {
        name: documented[name] for name in parts
    }
    assert set(finding["origin"]) == set(finding["access"])


def test_samples_and_marks_are_documented(
    make: Any, write: Any, run: Any, documented: dict[str, set[str]]
) -> None:
    """A kept request of a route, and a deploy."""
    write(make.request())
    window = Window()
    window.keep([Sample(SLOWEST, "/products/", "GET", make.time() - 60, 20.0, {"status": 200})])
    StoreSink(get_settings()).emit({int(make.time() - 60) // 60 * 60: window})
    add_mark(get_settings().store, "v1.2", make.time() - 30)
    printed = json.loads(run(format="json"))
    assert set(printed["samples"][0]) == documented["samples"]
    assert set(printed["marks"][0]) == documented["marks"]


def test_cache_advice_is_documented(store: Path, run: Any, documented: dict[str, set[str]]) -> None:
    """Down to each figure, and every verdict and policy by its name."""
    write_events(visits(time()))
    told = json.loads(run(format="json"))["cache"]
    parts = {
        "cache": told[0],
        "predicted": told[0]["predicted"],
        "evidence": told[0]["evidence"],
        "table": told[0]["table"][0],
    }
    assert {name: set(part) for name, part in parts.items()} == {
        name: documented[name] for name in parts
    }
    assert {frozenset(each["evidence"]) for each in told} == {frozenset(documented["evidence"])}
    assert told[-1]["predicted"] is None
    text = DOCUMENT.read_text(encoding="utf-8")
    named = [*VERDICTS, *POLICIES]
    assert [each for each in named if f"``{each}``" not in text] == []


def test_every_reason_has_its_sentence_in_the_docs() -> None:
    """A reader looks a slug up there; the docs have no other, and the very sentence."""
    tree = docutils.core.publish_doctree(ADVISOR.read_text(encoding="utf-8"))
    rows = [[cell.astext() for cell in row] for row in tree.findall(docutils.nodes.row)]
    told = {row[0]: row[1] for row in rows if len(row) == 2 and row[0] in REASONS}
    assert told == REASONS


def test_a_comparison_is_documented(
    make: Any, write: Any, run: Any, documented: dict[str, set[str]]
) -> None:
    """Down to each figure."""
    now = make.time()
    write(make.request(started_at=now - 5_400, findings=(make.loop(fingerprint="old"),)))
    write(make.request(findings=(make.loop(),)), make.request("/new/"))
    compared = json.loads(run(format="json", compare="2h..1h"))["comparison"]
    (route,) = compared["routes"]
    parts = {
        "comparison": compared,
        "before and after": compared["before"],
        "routes of a comparison": route,
        "findings of a comparison": compared["new_findings"][0],
    }
    assert {name: set(part) for name, part in parts.items()} == {
        name: documented[name] for name in parts
    }
    assert {frozenset(each) for each in route["figures"].values()} == {
        frozenset(documented["figures"])
    }
    assert set(compared["after"]) == set(compared["before"])
    assert set(compared["new_routes"][0]) == {"route", "method"}
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [name for name in route["figures"] if f"``{name}``" not in text] == []


def test_an_explanation_is_documented(
    make: Any, write: Any, run: Any, documented: dict[str, set[str]]
) -> None:
    """With code and history."""
    write(make.request(findings=(make.loop(),)))
    told = json.loads(run(format="json", explain="f"))["explanation"]
    parts = {
        "explanation": told,
        "findings": told["finding"],
        "code": told["code"][0],
        "history": told["history"][0],
    }
    assert {name: set(part) for name, part in parts.items()} == {
        name: documented[name] for name in parts
    }


def test_the_version_of_the_schema_is_documented(printed: dict[str, Any]) -> None:
    """A new version of the schema is a new document."""
    assert printed["schema"] == 1
    assert "``schema`` : int\n    1.\n" in DOCUMENT.read_text(encoding="utf-8")
    assert printed["perfkit"] == perfkit.__version__


def test_points_in_time_are_iso_in_utc(printed: dict[str, Any]) -> None:
    """A reader in another time zone reads the same."""
    finding = printed["findings"][0]
    window = printed["window"]
    times = [printed["generated_at"], *window.values(), finding["first_seen"], finding["last_seen"]]
    assert all(each.endswith("+00:00") for each in times)


def test_all_data_has_no_start(make: Any, write: Any, run: Any) -> None:
    """`--since all` is null."""
    write(make.request())
    assert json.loads(run(format="json", since="all"))["window"]["since"] is None


def test_no_store_is_a_valid_document_with_zeros(
    store: Path, run: Any, documented: dict[str, set[str]]
) -> None:
    """A reader needs no special case, and the note says why."""
    printed = json.loads(run(format="json"))
    assert set(printed) == documented["The document"]
    unknown = ("p50_ms", "p95_ms", "p99_ms", "apdex")
    assert printed["totals"] == {
        **dict.fromkeys(documented["totals"], 0),
        **dict.fromkeys(unknown),
        "dropped": dict.fromkeys(documented["dropped"], 0),
    }
    assert printed["routes"] == printed["findings"] == []
    assert printed["baseline"] is None
    (note,) = printed["store"]["notes"]
    assert note.startswith(f"No data yet: no store at {store}")
