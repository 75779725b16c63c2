"""A baseline: what is known is left out, and only what is new fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from perfkit.record import Site
from perfkit.report.baseline import BadBaseline, Entry, read, write


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Name the file of a baseline that is not there yet."""
    return str(tmp_path / "perfkit-baseline.json")


def lines(file: str) -> list[dict[str, Any]]:
    """Parse each line of a file."""
    return [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]


def test_what_is_written_is_read_again(make: Any, file: str) -> None:
    """An entry says what a reader wants to know, but no line number."""
    assert write(file, [make.loop(path="tags, author", access=Site("shop/ä.py", 12, "f"))]) == 1
    assert read(file).entries == {
        "f" * 12: Entry("shop/ä.py", "f", "n_plus_one", "shop.Product", "author, tags", "f" * 12)
    }
    assert "shop/ä.py" in Path(file).read_text(encoding="utf-8")


def test_lines_are_sorted_and_one_for_each(make: Any, file: str) -> None:
    """So that a change of the file shows what came and what went."""
    first = make.loop(fingerprint="1", access=Site("a.py", 9, "f"))
    second = make.loop(fingerprint="2", access=Site("b.py", 1, "f"))
    no_line = make.loop(fingerprint="3", access=None, origin=None)
    write(file, [second, first, no_line, first])
    head, *entries = lines(file)
    assert head == {"perfkit": "baseline", "version": 1}
    assert [entry["fingerprint"] for entry in entries] == ["3", "1", "2"]
    before = Path(file).read_bytes()
    moved = make.loop(fingerprint="1", access=Site("a.py", 700, "f"), count=1, cost_ms=0.1)
    write(file, [moved, second, no_line])
    assert Path(file).read_bytes() == before


def test_it_knows_by_the_fingerprint(make: Any, file: str) -> None:
    """The rest of an entry is for the reader."""
    write(file, [make.loop()])
    baseline = read(file)
    assert baseline.knows(make.loop(message="told in other words", severity="info"))
    assert not baseline.knows(make.loop(fingerprint="new"))
    assert baseline.gone({"f" * 12}) == []
    assert [entry.fingerprint for entry in baseline.gone(())] == ["f" * 12]


def test_a_file_name_that_is_no_text_is_kept(make: Any, file: str) -> None:
    """Linux allows any bytes."""
    write(file, [make.loop(access=Site("shop/\udcff.py", 1, "f"))])
    assert lines(file)[1]["file"] == "shop/\udcff.py"
    assert read(file).knows(make.loop())


def test_hands_and_merges_may_leave_their_traces(make: Any, file: str) -> None:
    """Blank lines, a line twice, a byte-order mark, keys of a newer version."""
    write(file, [make.loop()])
    head, entry = Path(file).read_text(encoding="utf-8").splitlines()
    text = f'\ufeff{head}\r\n{entry}\r\n\r\n{entry[:-1]}, "more": 1}}\r\n'
    Path(file).write_text(text, encoding="utf-8", newline="")
    assert read(file).knows(make.loop())


HEAD = '{"perfkit": "baseline", "version": 1}\n'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is damaged in line 1: ''"),
        (b"no json", "is damaged in line 1: 'no json'"),
        (b"[]", "is damaged in line 1"),
        (b"{}", "is no baseline: write one with --write-baseline"),
        (b'{"perfkit": "baseline", "version": 2}', "has version 2; this perfkit reads 1"),
        (b"\xff\xfe", "cannot be read: it is no text in UTF-8"),
        (HEAD.encode() + b"<<<<<<< ours\n", "is damaged in line 2: '<<<<<<< ours'"),
        (HEAD.encode() + b'{"fingerprint": ""}\n', "is damaged in line 2"),
        (HEAD.encode() + b'{"fingerprint": 7}\n', "is damaged in line 2"),
        (HEAD.encode() + b'{"fingerprint": "f", "kind": null}\n', "is damaged in line 2"),
        (HEAD.encode() + b"[" * 100_000, "is damaged in line 2"),
    ],
)
def test_a_damaged_file_is_told_in_one_line(file: str, content: bytes, told: str) -> None:
    """With the line that is wrong."""
    Path(file).write_bytes(content)
    with pytest.raises(BadBaseline) as refused:
        read(file)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["gone.json", "", "a\0b"])
def test_a_file_that_is_none_is_told(tmp_path: Path, name: str) -> None:
    """Missing, a folder, junk."""
    file = str(tmp_path / name)
    with pytest.raises(BadBaseline, match="cannot be read: "):
        read(file)


@pytest.mark.parametrize("name", ["no/such/folder.json", "", "a\0b"])
def test_a_file_that_cannot_be_written_is_told(make: Any, tmp_path: Path, name: str) -> None:
    """And nothing is left behind."""
    (tmp_path / "kept").touch()
    with pytest.raises(BadBaseline, match="cannot be written: "):
        write(str(tmp_path / name), [make.loop()])
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_the_command_writes_what_it_reports(
    make: Any, write: Any, run: Any, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of it: those beyond the limit, too."""
    write(make.request(findings=(make.loop(fingerprint="a"), make.loop(fingerprint="b"))))
    assert "shop.Product.supplier" in run(write_baseline=file, limit=1)
    assert sorted(read(file).entries) == ["a", "b"]
    assert capsys.readouterr().err == f"perfreport: 2 findings written to {file}\n"


def test_known_findings_are_left_out_and_fail_nothing(
    make: Any, write: Any, run: Any, file: str
) -> None:
    """CI passes with what was there, and the report says how much that is."""
    write(make.request(findings=(make.loop(),)))
    run(write_baseline=file)
    printed = run(baseline=file, fail_on="any")
    assert "No new findings; 1 known one left out." in printed
    assert "shop.Product.supplier" not in printed
    told = f"1 finding left out: known to the baseline {file}"
    assert told.replace(" ", "") in "".join(printed.split())  # a long path is broken


def test_a_new_finding_fails(make: Any, write: Any, run: Any, file: str) -> None:
    """And is the only one shown and counted."""
    write(make.request(findings=(make.loop(),)))
    run(write_baseline=file)
    write(make.request(findings=(make.loop(fingerprint="new", model="shop.Review"),)))
    with pytest.raises(CommandError, match="--fail-on: 1 finding of n_plus_one") as failed:
        run(baseline=file, fail_on="n_plus_one")
    assert failed.value.returncode == 1
    printed = run(baseline=file)
    assert "shop.Review" in printed
    assert "shop.Product.supplier" not in printed


def test_entries_that_are_gone_are_told(make: Any, write: Any, run: Any, file: str) -> None:
    """A baseline is to shrink; what another route still has is not gone."""
    gone, elsewhere = make.loop(fingerprint="gone"), make.loop(fingerprint="elsewhere")
    from perfkit.report.baseline import write as write_file

    write_file(file, [gone, elsewhere])
    write(make.request("/here/"), make.request("/there/", findings=(elsewhere,)))
    printed = json.loads(run(baseline=file, format="json", route=["/here/"]))
    assert printed["baseline"]["known"] == 0
    assert [entry["fingerprint"] for entry in printed["baseline"]["gone"]] == ["gone"]
    told = f"1 finding of the baseline {file} did not occur here"
    assert any(note.startswith(told) for note in printed["store"]["notes"])


def test_without_requests_nothing_is_gone(make: Any, write: Any, run: Any, file: str) -> None:
    """Nobody can tell."""
    write(make.request(findings=(make.loop(),)))
    run(write_baseline=file)
    printed = json.loads(run(baseline=file, format="json", since="1s"))
    assert printed["baseline"] == {"file": file, "known": 0, "gone": []}


def test_an_empty_window_overwrites_no_baseline(make: Any, write: Any, run: Any, file: str) -> None:
    """It would declare all that is known to be new."""
    write(make.request(findings=(make.loop(),)))
    run(write_baseline=file)
    before = Path(file).read_bytes()
    with pytest.raises(CommandError, match="no requests in this window") as refused:
        run(write_baseline=file, since="1s")
    assert refused.value.returncode == 2
    assert Path(file).read_bytes() == before


def test_a_damaged_store_overwrites_no_baseline(
    make: Any, write: Any, run: Any, store: Path, file: str
) -> None:
    """The report ends before it is written."""
    write(make.request())
    store.write_bytes(b"This is not a database. " * 500)
    with pytest.raises(CommandError, match="cannot be read"):
        run(write_baseline=file)
    assert not Path(file).exists()


def test_an_old_baseline_and_a_new_one_at_once(make: Any, write: Any, run: Any, file: str) -> None:
    """The file is read before it is written, and gets the known ones, too."""
    write(make.request(findings=(make.loop(fingerprint="a"),)))
    run(write_baseline=file)
    write(make.request(findings=(make.loop(fingerprint="b", model="shop.Review"),)))
    printed = run(baseline=file, write_baseline=file)
    assert "shop.Review" in printed
    assert sorted(read(file).entries) == ["a", "b"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"baseline": "no-such-file.json"}, "--baseline: the baseline 'no-such-file.json' cannot"),
        ({"baseline": ""}, "--baseline names no file"),
        ({"write_baseline": ""}, "--write-baseline names no file"),
        ({"write_baseline": "/no/such/folder/x.json"}, "--write-baseline: the baseline"),
    ],
)
def test_a_wrong_file_is_status_2(
    make: Any, write: Any, run: Any, given: dict[str, str], told: str
) -> None:
    """In one line."""
    write(make.request())
    with pytest.raises(CommandError, match=told) as refused:
        run(**given)
    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)
