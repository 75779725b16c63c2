"""The panel of advice: findings with the code as it was, the edit, and what it saves."""

from __future__ import annotations

import pytest

from perfkit.record import Finding, RequestRecord, Site
from perfkit_panels.bounded import fitting
from perfkit_panels.code import AROUND, MOST_LINE, excerpts
from perfkit_panels.findings import findings_of
from tests.library import shelves
from tests.panels.asking import content_of, panel_of, stats_of, sync_get

pytestmark = pytest.mark.django_db

PANEL = "PerfkitAdvicePanel"


def test_a_finding_has_its_edit_its_code_and_what_it_saves() -> None:
    """What to write, where, both lines with those around them, statements before and after."""
    shelves.fill(6)
    sync_get("/loop/")
    (finding,) = stats_of(PANEL)["findings"]
    assert finding["edit"] == '.select_related("author")'
    assert "on the queryset evaluated at" in finding["edit_place"]
    assert (finding["before"], finding["after"], finding["saved"]) == (7, 1, 6)
    (piece,) = finding["code"]
    roles = [place[0] for place in piece["places"]]
    assert roles[0] == "Where the rows are loaded"
    named = [text for _number, text, is_named in piece["lines"] if is_named]
    assert any("Book.objects" in text for text in named)
    content = content_of(PANEL)
    assert "7 → 1" in content
    assert "data-pk-copy" in content
    assert "perfreport --explain" in content


def test_the_number_of_findings_is_in_the_sidebar() -> None:
    """It is seen without opening the panel; a page with none says so."""
    shelves.fill(6)
    sync_get("/loop/")
    assert panel_of(PANEL).nav_title == "perfkit: advice (1)"
    assert panel_of(PANEL).nav_subtitle == "1 finding: 6 statements less"
    sync_get("/cached/")
    assert panel_of(PANEL).nav_title == "perfkit: advice"
    assert panel_of(PANEL).nav_subtitle == "nothing to change"
    assert "Nothing to change on this page." in content_of(PANEL)


def test_code_is_read_when_the_finding_is_made(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An excerpt is plain data: what is written into the file later does not change it."""
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "made_up_module.py"
    file.write_text("\n".join(f"    line_{number} = {'x' * 300}" for number in range(1, 30)))
    site = Site("made_up_module.py", 10, "f")
    (piece,) = excerpts([("Here", site), ("And here", Site("made_up_module.py", 12, "f"))])
    assert [number for number, _text, named in piece["lines"] if named] == [10, 12]
    assert len(piece["lines"]) == 2 * AROUND + 3
    assert all(len(text) < MOST_LINE + 40 for _number, text, _named in piece["lines"])
    file.write_text("other\n")
    assert "line_10" in piece["lines"][AROUND][1]


def test_code_that_cannot_be_read_is_said() -> None:
    """A file that is not there leaves its line without an excerpt."""
    (piece,) = excerpts([("Here", Site("no/such/file.py", 3, ""))])
    assert piece["lines"] == []


def test_many_findings_are_cut_and_counted() -> None:
    """The number is that of all of them; those that save most are kept."""
    record = RequestRecord(
        route="/r/",
        method="GET",
        statements=500,
        findings=tuple(
            Finding(
                "slow_query", "warning", "m" * 3_000, 1, 0, 1.0, f"f{number}", shape="s" * 3_000
            )
            for number in range(100)
        ),
    )
    shown, left_out = fitting(findings_of(record), 30)
    assert len(shown) + left_out == 100
    assert 0 < len(shown) <= 30
