"""The JSON report has the keys that its document lists, and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import docutils.core
import docutils.nodes
import pytest

import perfkit
from perfkit.report.baseline import write as write_baseline

DOCUMENT = Path(__file__).parents[2] / "docs" / "report-json.rst"


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
    assert printed["totals"] == {
        **dict.fromkeys(documented["totals"], 0),
        "dropped": dict.fromkeys(documented["dropped"], 0),
    }
    assert printed["routes"] == printed["findings"] == []
    assert printed["baseline"] is None
    (note,) = printed["store"]["notes"]
    assert note.startswith(f"No data yet: no store at {store}")
