"""SARIF: valid by the official schema, relative to the project, stable between runs."""

from __future__ import annotations

import json
import sys
import sysconfig
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from perfkit.record import Finding, Part, Site
from perfkit.report.model import FindingRow
from perfkit.report.sarif import to_sarif, within
from tests.report.conftest import loop

SCHEMA = json.loads(Path(__file__).with_name("sarif-2.1.0-rtm.4.json").read_text(encoding="utf-8"))
ACCESS = Site("shop/models.py", 31, "Book.__str__")
CALLER = Site("shop/templates/books list.html", 7, "")
LOOP = Site("shop/views.py", 24, "catalogue")
ORIGIN = Site("shop/views.py", 22, "catalogue")


def checked(*findings: Finding | FindingRow, **options: Any) -> dict[str, Any]:
    """Make a log, hold it against the schema and return its one run."""
    log = to_sarif(findings, "1.2.3", **options)
    jsonschema.Draft4Validator.check_schema(SCHEMA)
    jsonschema.Draft4Validator(
        SCHEMA, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER
    ).validate(log)
    assert json.loads(json.dumps(log)) == log
    (run,) = log["runs"]
    return run


def found(**fields: Any) -> Finding:
    """Make a finding with a line of each sort."""
    values = {
        "message": "Book.author is read row by row",
        "access": ACCESS,
        "callers": (CALLER,),
        "loop": LOOP,
        "origin": ORIGIN,
    }
    return loop(**{**values, **fields})


def line_of(location: dict[str, Any]) -> tuple[str, int]:
    """Return a location's uri and line."""
    place = location["physicalLocation"]
    assert place["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
    return place["artifactLocation"]["uri"], place["region"]["startLine"]


def test_a_finding_is_a_result_on_the_line_that_asked() -> None:
    """With the other lines beside it, the change to make in words, and the rule it breaks."""
    run = checked(found())
    (result,) = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "n_plus_one"
    assert result["ruleId"] == "n_plus_one"
    assert result["level"] == "warning"
    assert result["message"]["text"] == (
        'Book.author is read row by row. Write .select_related("supplier") at shop/views.py:22'
    )
    (location,) = result["locations"]
    assert line_of(location) == ("shop/models.py", 31)
    assert location["logicalLocations"] == [{"fullyQualifiedName": "Book.__str__"}]
    assert [(*line_of(each), each["message"]["text"]) for each in result["relatedLocations"]] == [
        ("shop/views.py", 22, "The rows were loaded here"),
        ("shop/views.py", 24, "This line loops"),
        ("shop/templates/books%20list.html", 7, "Reached through this line"),
    ]


def test_info_is_a_note() -> None:
    """A latent finding does not warn in a review either."""
    (result,) = checked(found(severity="info"))["results"]
    assert result["level"] == "note"


def test_the_fingerprint_is_what_tools_track_it_by() -> None:
    """So that a result keeps its identity when lines move, and says the same when figures differ."""
    (before,) = checked(found())["results"]
    moved = {"access": Site("shop/models.py", 40, "Book.__str__")}
    (after,) = checked(found(count=7, cost_ms=1.5, **moved))["results"]
    assert before["partialFingerprints"] == after["partialFingerprints"] == {"perfkit/v1": "f" * 12}
    assert before["message"] == after["message"]


def test_every_access_of_a_merged_finding_is_told() -> None:
    """One edit, several lines that it helps."""
    parts = tuple(
        Part(path, 6, 6, 1.0, Site("shop/views.py", line, "catalogue"), (), "SELECT 1")
        for path, line in (("author", 31), ("publisher", 33))
    )
    (result,) = checked(found(access=Site("shop/views.py", 31, "catalogue"), parts=parts))[
        "results"
    ]
    told = {line_of(each): each["message"]["text"] for each in result["relatedLocations"]}
    assert told["shop/views.py", 33] == "Read here, too"
    assert ("shop/views.py", 31) not in told


def test_a_kind_of_the_sites_own_becomes_a_rule() -> None:
    """Analyzers may be added; their findings are results like any other."""
    run = checked(found(kind="too_many_joins"), found())
    assert [result["ruleId"] for result in run["results"]] == ["too_many_joins", "n_plus_one"]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [ids[result["ruleIndex"]] for result in run["results"]] == [
        "too_many_joins",
        "n_plus_one",
    ]
    assert len(ids) == len(set(ids))


def test_nothing_found_is_a_log_too() -> None:
    """A tool that gets no file cannot close what was mended."""
    assert checked()["results"] == []


def test_a_finding_that_names_no_line_is_valid() -> None:
    """It has a message and a rule."""
    (result,) = checked(found(access=None, origin=None, loop=None, callers=()))["results"]
    assert "locations" not in result
    assert "relatedLocations" not in result


def test_a_row_of_a_report_is_a_result() -> None:
    """What `perfreport` shows knows the same lines as the finding of one request."""
    finding = found()
    shared = {each.name for each in fields(Finding)} & {each.name for each in fields(FindingRow)}
    row = FindingRow(
        **{name: getattr(finding, name) for name in shared},
        routes=(),
        requests=3,
        total_saved=120,
        total_cost_ms=114.6,
        first_seen=0.0,
        last_seen=1.0,
    )
    assert checked(row)["results"] == checked(finding)["results"]


def test_a_baseline_tells_old_from_new() -> None:
    """Known findings stay in the log, so that a tool does not take them for mended."""
    run = checked(found(), found(fingerprint="a" * 12), known={"a" * 12})
    assert [each["baselineState"] for each in run["results"]] == ["new", "unchanged"]


@pytest.mark.parametrize("file", ["/home/ann/site/shop/views.py", "C:/site/views.py", "../x.py"])
def test_no_folder_of_this_machine_is_told(file: str) -> None:
    """A file that cannot be named from the project is left out, and the next line takes its place."""
    run = checked(found(access=Site(file, 3, "view"), origin=Site(file, 1, "view")))
    (result,) = run["results"]
    assert file not in json.dumps(run)
    assert line_of(result["locations"][0]) == ("shop/templates/books%20list.html", 7)


def test_files_are_told_from_the_folder_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code is imported from src/, and a review shows files of the repository."""
    source = tmp_path / "src" / "shop"
    source.mkdir(parents=True)
    (source / "views.py").touch()
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "src")])
    locate = within(tmp_path)
    assert locate("shop/views.py") == "src/shop/views.py"
    assert locate("shop/gone.py") == "shop/gone.py"


def test_a_file_of_an_installed_package_is_not_the_projects() -> None:
    """Though its environment may lie in the project's folder."""
    packages = Path(sysconfig.get_path("purelib"))
    locate = within(packages.parent)
    assert locate("django/db/models/query.py") == ""
    assert within(Path("/"))("jsonschema/__init__.py") == ""


def test_text_is_made_safe() -> None:
    """A file name and a message may hold what no terminal and no JSON reader likes."""
    odd = Site("shop/\udcff.html", 2, "v\x1b[31m")
    run = checked(found(access=odd, message="a\x1bb", model="shop.\udcff"))
    assert "\x1b" not in json.dumps(run, ensure_ascii=False)
    json.dumps(run, ensure_ascii=False).encode()
