"""The files that a run writes and reads: JSON, SARIF, and the baseline of known findings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.pytest_plugin.conftest import ROWS, Shop, section

LOOPS = """
    def test_loop(books):
        names()

    @pytest.mark.perfkit(allow="n_plus_one")
    def test_page(client, books):
        client.get("/books/")
"""


def written(shop: Shop, name: str) -> Any:
    """Read a file of the run."""
    return json.loads((shop.path / name).read_text(encoding="utf-8"))


def test_json_tells_all_of_each_finding(shop: Shop) -> None:
    """New ones first; a file named asks for the recording by itself, and its folder is made."""
    shop.run(LOOPS, "--perfkit-json=out/found.json").assert_outcomes(passed=2)
    told = written(shop, "out/found.json")
    assert (told["schema"], told["tests"]) == (1, 2)
    new, allowed = told["findings"]
    assert (new["status"], allowed["status"]) == ("new", "allowed")
    assert (new["kind"], new["model"], new["path"]) == ("n_plus_one", "shop.Book", "author")
    assert (new["count"], new["tests"], new["first_test"]) == (ROWS, 1, "test_shop.py::test_loop")
    assert new["origin"] == {"file": "shop/shelf.py", "line": 8, "function": "names"}


def test_sarif_tells_the_lines_of_the_project(shop: Shop) -> None:
    """What a marker allows is not annotated; no folder of this machine is in it."""
    shop.run(LOOPS, "--perfkit=report", "--perfkit-sarif=found.sarif")
    text = (shop.path / "found.sarif").read_text(encoding="utf-8")
    (run,) = json.loads(text)["runs"]
    (result,) = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "shop/shelf.py"
    assert place["region"]["startLine"] == 8
    assert str(shop.path) not in text
    assert "baselineState" not in result


def test_a_file_that_cannot_be_written_is_told(shop: Shop) -> None:
    """And the exit status says so: CI would take yesterday's file for today's."""
    (shop.path / "found.json").mkdir()
    options = ("--perfkit-json=found.json", "--perfkit-write-baseline=nowhere/known.jsonl")
    result = shop.run("def test_nothing(db): pass", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(
        ["*found.json cannot be written: Is a directory", "*known.jsonl' cannot be written: *"]
    )


def test_tests_that_are_only_listed_write_no_file(shop: Shop) -> None:
    """An empty one would tell a tool that all was mended."""
    result = shop.run(LOOPS, "--perfkit-sarif=found.sarif", "--collect-only")
    assert result.ret == pytest.ExitCode.OK
    assert not (shop.path / "found.sarif").exists()


def test_a_baseline_lets_known_findings_pass(shop: Shop) -> None:
    """Written once, read by CI: only what is new fails; what is gone is told."""
    shop.configure_pytest("perfkit_baseline = known.jsonl")
    result = shop.run(LOOPS, "--perfkit=off", "--perfkit-write-baseline=known.jsonl")
    assert not (shop.path / "known.jsonl").exists()
    shop.configure_pytest()
    result = shop.run(LOOPS, "--perfkit-write-baseline=known.jsonl")
    assert result.ret == pytest.ExitCode.OK
    shop.configure_pytest("perfkit = fail", "perfkit_baseline = known.jsonl")

    result = shop.again()
    result.assert_outcomes(passed=2)
    assert section(result) == [
        "No findings in 2 tests; not shown: 1 in the baseline, 1 allowed by markers"
    ]

    result = shop.run(
        """
        def test_loop(client, books):
            names()

        def test_page(client, books):
            client.get("/books/")
        """,
        "--perfkit-sarif=found.sarif",
    )
    result.assert_outcomes(passed=1, failed=1)
    states = {
        each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]: each["baselineState"]
        for each in written(shop, "found.sarif")["runs"][0]["results"]
    }
    assert states == {"shop/shelf.py": "unchanged", "shop/urls.py": "new"}

    gone = "In the baseline and not found any more; write it anew:"
    result = shop.run("def test_quiet(db): names()")
    told = section(result)
    assert told[:3] == ["No findings in 1 test", "", gone]
    assert told[3].startswith("  n_plus_one shop.Book.author shop/shelf.py in names")
    # A part of the tests does not show what the others would.
    assert gone not in section(shop.again("test_shop.py"))
    assert gone not in section(shop.again("-k", "quiet"))


def test_a_baseline_that_is_missing_ends_the_run(shop: Shop) -> None:
    """With one line, before any test."""
    result = shop.run(LOOPS, "--perfkit=fail", "--perfkit-baseline=nowhere.jsonl")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--perfkit-baseline: *nowhere.jsonl*"])


def test_a_comment_accepts_and_one_that_accepts_nothing_is_told(shop: Shop) -> None:
    """At the end of a whole run, under parallel workers too."""
    shelf = (shop.path / "shop" / "shelf.py").read_text(encoding="utf-8")
    shop.write("shop/shelf.py", shelf.rstrip() + "  # perfkit: ok[twelve books at most]\n")
    shop.plugins = ("xdist",)
    shop.write("shop/quiet.py", "NAMES = []  # perfkit: ok[long gone]\n")
    for options in ((), ("-n2",)):
        result = shop.run("def test_loop(books): names()", "--perfkit=fail", *options)
        result.assert_outcomes(passed=1)
        assert section(result) == [
            "No findings in 1 test",
            "",
            "Accepting nothing any more:",
            "  shop/quiet.py:1: # perfkit: ok[long gone]: accepted nothing",
        ]
    assert section(shop.again("--perfkit=fail", "test_shop.py")) == ["No findings in 1 test"]


def test_eager_loading_that_no_test_reads_is_told_at_the_end(shop: Shop) -> None:
    """With its sample; not where one test reads it, nor by tests that broke off before they could."""
    shop.plugins = ("xdist",)
    tests = """
        @pytest.mark.parametrize("number", range(6))
        def test_unused(books, number):
            assert len([book.title for book in Book.objects.select_related("author")]) == 12

        @pytest.mark.parametrize("number", range(6))
        def test_used_once(books, number):
            for book in Book.objects.select_related("author"):
                assert number != 3 or book.author.name

        @pytest.mark.parametrize("number", range(6))
        def test_broken(books, number):
            book = list(Book.objects.select_related("author"))[0]
            assert book.title == "mine"
            assert book.author.name
    """
    for options in ((), ("-n2",)):
        result = shop.run(tests, "--perfkit=fail", *options)
        result.assert_outcomes(passed=12, failed=6)
        head, _, title, _, seen = section(result)
        assert head == "1 info in 18 tests"
        assert title == (
            "unused_eager_load, info: shop.Book.author (loaded in 6 recordings, read in none)"
        )
        assert seen.startswith("  seen in test_shop.py::test_unused[")
        assert seen.endswith("] and 5 more tests")
