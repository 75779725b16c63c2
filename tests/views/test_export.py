"""Exports: each loads in the tool that it is for, and holds what the engine saw."""

from __future__ import annotations

import json
import pstats
from pathlib import Path

import jsonschema
import pytest
from pyinstrument.session import Session

from perfkit.profiling.capture import CPROFILE, Capture, Profile
from perfkit.profiling.export import FORMATS, ExportRefusedError, exported, formats_of
from tests.views import made

SCHEMA = json.loads(Path(__file__).with_name("speedscope-1.25.0.json").read_text("utf-8"))
TEXTS = ["", made.PRINTABLE, made.HOSTILE]


def escaped(text: str) -> str:
    """Return a text as exports write it: nothing in it ends a line or moves a cursor."""
    unsafe = "\u2028\u2029\u202e\x00\x1b\udce9\n\r\t"
    return "".join(
        char.encode("unicode_escape").decode() if char in unsafe else char for char in text
    )


@pytest.mark.parametrize("text", TEXTS, ids=["plain", "stored", "hostile"])
def test_speedscope(text: str) -> None:
    """Valid by its schema; the weights are the samples' times and the pauses between them."""
    capture = made.capture(text)
    document = json.loads(exported(capture, "speedscope").content)
    jsonschema.Draft7Validator(SCHEMA).validate(document)
    (profile,) = document["profiles"]
    assert len(profile["samples"]) == len(profile["weights"])
    seen = [
        weight
        for stack, weight in zip(profile["samples"], profile["weights"], strict=True)
        if stack
    ]
    assert seen == pytest.approx([each.duration_ms for each in capture.profile.samples], abs=1e-5)
    assert sum(profile["weights"]) <= profile["endValue"] + 1e-3
    names = [document["shared"]["frames"][frame]["name"] for frame in profile["samples"][15]]
    assert names == [
        f"{name}{escaped(text)}"
        for name in (
            "BaseHandler._get_response",
            "suppliers",
            "ForwardManyToOneDescriptor.__get__",
            "QuerySet.__iter__",
            "CursorWrapper._execute",
        )
    ]


@pytest.mark.parametrize("text", TEXTS, ids=["plain", "stored", "hostile"])
def test_collapsed(text: str) -> None:
    """A line a stack: frames by semicolons, a space, whole microseconds."""
    capture = made.capture(text)
    lines = exported(capture, "collapsed").content.decode().splitlines()
    counts = [int(line.rpartition(" ")[2]) for line in lines]
    seen_us = sum(each.duration_ms for each in capture.profile.samples) * 1_000
    assert sum(counts) == pytest.approx(seen_us, abs=len(capture.profile.samples))
    stacks = [line.rpartition(" ")[0].split(";") for line in lines]
    assert {len(stack) for stack in stacks} == {2, 3, 4, 5, 6}
    assert all(stack[0].startswith("BaseHandler._get_response") for stack in stacks)


@pytest.mark.parametrize("text", TEXTS, ids=["plain", "stored", "hostile"])
def test_pyinstrument_session(text: str, tmp_path: Path) -> None:
    """It loads, and its tree has the same times."""
    capture = made.capture(text)
    file = exported(capture, "pyinstrument")
    (tmp_path / file.filename).write_bytes(file.content)
    session = Session.load(tmp_path / file.filename)
    root = session.root_frame()
    assert root is not None
    assert root.function == f"BaseHandler._get_response{escaped(text)}"
    assert root.time == pytest.approx(
        sum(each.duration_ms for each in capture.profile.samples) / 1_000
    )
    assert session.sample_count == len(capture.profile.samples)


@pytest.mark.parametrize("text", TEXTS, ids=["plain", "stored", "hostile"])
def test_pstats(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It loads; calls, times and callers are cProfile's."""
    file = exported(made.capture(text, engine=CPROFILE), "pstats")
    (tmp_path / file.filename).write_bytes(file.content)
    stats = pstats.Stats(str(tmp_path / file.filename))
    assert (stats.total_calls, stats.prim_calls) == (142, 122)  # type: ignore[attr-defined]  # not in its stub
    stats.sort_stats("cumulative").print_callers("CursorWrapper")
    assert "20    0.043    0.044" in capsys.readouterr().out


def test_json_is_the_capture() -> None:
    """Nothing is lost, so that it can be read back."""
    capture = made.capture()
    content = exported(capture, "json").content
    assert Capture.from_dict(json.loads(content)) == capture


def test_an_empty_capture_exports(tmp_path: Path) -> None:
    """Nothing was sampled: every format is still one that loads."""
    capture = made.capture(profile=Profile())
    document = json.loads(exported(capture, "speedscope").content)
    jsonschema.Draft7Validator(SCHEMA).validate(document)
    assert exported(capture, "collapsed").content == b""
    (tmp_path / "none").write_bytes(exported(capture, "pyinstrument").content)
    assert Session.load(tmp_path / "none").root_frame() is None


def test_what_an_engine_cannot_give_is_refused() -> None:
    """The error says why, and what can be had."""
    with pytest.raises(
        ExportRefusedError,
        match="cProfile counts calls and keeps no stacks; possible are pstats, json",
    ):
        exported(made.capture(engine=CPROFILE), "speedscope")
    with pytest.raises(ExportRefusedError, match="samples of stacks do not count"):
        exported(made.capture(), "pstats")
    with pytest.raises(ExportRefusedError, match="'svg' is not one of speedscope, collapsed"):
        exported(made.capture(), "svg")
    assert set(formats_of(CPROFILE)) | set(formats_of("sampler")) == set(FORMATS)


@pytest.mark.parametrize("name", ["../../etc/passwd", 'a"b\r\nSet-Cookie: x', "", "é" * 9])
def test_a_file_name_is_plain(name: str) -> None:
    """Whatever an id holds, no folder and no header comes of it."""
    assert (
        exported(made.capture(id=name), "json").filename.replace("-", "").replace(".", "").isalnum()
    )
