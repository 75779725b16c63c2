"""``perfkit.profile``: blocks and functions, sync and async; and ``manage.py perfprofile``."""

from __future__ import annotations

import asyncio
import json
import pstats
import threading
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import ManagementUtility, call_command
from django.core.management.base import CommandError

import perfkit
from perfkit import profiled as profiled_module
from perfkit.management.commands import perfprofile
from perfkit.profiling.capture import CODE, COMMAND, CPROFILE, ENGINES, PYINSTRUMENT, Capture
from perfkit.profiling.running import CAPTURING
from perfkit.profiling.sampler import sampler
from tests.pages import ask
from tests.profiling import site
from tests.profiling.conftest import CapturedSite, functions, stacks


@pytest.fixture(autouse=True)
def not_enough_yet() -> Any:
    """Let each test make as many captures by code as it may in a minute."""
    profiled_module._made.clear()
    yield
    profiled_module._made.clear()


def seen(block: Any) -> Capture:
    """Return what a block has captured."""
    capture = block.capture
    assert isinstance(capture, Capture)
    return capture


@pytest.mark.parametrize("engine", ENGINES)
def test_a_block(captured: CapturedSite, engine: str) -> None:
    """Its stacks begin at the function that holds it; it is stored, as nobody's."""
    with perfkit.profile(name="a block", engine=engine) as block:
        site.first_part()
        ask(3)
    capture = seen(block)
    assert (capture.name, capture.reason, capture.owner, capture.engine) == (
        "a block",
        CODE,
        "",
        engine,
    )
    assert len(capture.spans) == 3
    assert "first_part" in {frame.function for frame in capture.profile.frames}
    if engine != CPROFILE:
        assert {stack[0] for stack in stacks(capture)} == {"test_a_block"}
    assert captured.one() == capture
    assert not CAPTURING


def test_a_function(captured: CapturedSite) -> None:
    """Each call is a capture, under the function's name, with and without arguments."""

    @perfkit.profile
    def plain(number: int) -> int:
        """Work a little."""
        site.first_part()
        return number + 1

    @perfkit.profile(name="named", engine="sampler")
    def named() -> None:
        site.second_part()

    assert plain(1) == 2
    named()
    assert plain.__doc__ == "Work a little."
    made = {capture.name: capture for capture in captured.all()}
    assert set(made) == {f"{__name__}.test_a_function.<locals>.plain", "named"}
    assert all(stack[0].endswith("named") for stack in stacks(made["named"]))


@pytest.mark.parametrize("engine", ["sampler", PYINSTRUMENT])
def test_an_async_block_and_function(captured: CapturedSite, engine: str) -> None:
    """In its task, with what other tasks do left out."""

    @perfkit.profile(name="function", engine=engine)
    async def function() -> int:
        site.first_part()
        await site.wait_a_while()
        return 3

    async def other() -> None:
        while CAPTURING:
            site.async_foreign()
            await asyncio.sleep(0)

    async def both() -> None:
        async with perfkit.profile(name="block", engine=engine) as block:
            beside = asyncio.create_task(other())
            await site.wait_a_while()
            site.second_part()
        await beside
        assert "second_part" in functions(seen(block))
        if engine == "sampler":
            assert all(stack[0].endswith("both") for stack in stacks(seen(block)))
        assert await function() == 3

    async_to_sync(both)()
    made = {capture.name: capture for capture in captured.all()}
    assert "first_part" in functions(made["function"])
    assert not {"async_foreign", "other"} & (functions(made["block"]) | functions(made["function"]))


def test_without_a_store(captured: CapturedSite) -> None:
    """The capture is there all the same."""
    captured.seen.configure(STORE=False)
    with perfkit.profile() as block:
        site.first_part()
    assert seen(block).name == "test_without_a_store"


def test_it_is_asked_too_early(captured: CapturedSite) -> None:
    """Before the block has been there is nothing to tell."""
    with pytest.raises(RuntimeError, match="was not entered"):
        _ = perfkit.profile().capture
    with pytest.raises(RuntimeError, match="without having been entered"):
        perfkit.profile().__exit__(None, None, None)


def test_an_exception_passes(captured: CapturedSite) -> None:
    """It is the site's, and the capture is made."""
    block = perfkit.profile(name="fails")

    def fail() -> None:
        with block:
            site.first_part()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert "first_part" in functions(seen(block))


def test_what_cannot_be_profiled_runs(captured: CapturedSite) -> None:
    """A second cProfile is refused with the reason; the code does not notice."""
    with perfkit.profile(engine=CPROFILE) as outer, perfkit.profile(engine=CPROFILE) as inner:
        site.first_part()
    assert inner.capture is None
    assert inner.refused == "cProfile is busy with another capture"
    assert seen(outer).profile.calls


def test_a_function_that_runs_all_the_time(captured: CapturedSite) -> None:
    """Ten captures a minute, then it runs as it is."""
    quick = perfkit.profile(name="quick")(lambda: None)
    for _ in range(12):
        quick()
    assert len(captured.all()) == 10


def test_a_block_within_a_request(captured: CapturedSite) -> None:
    """In a thread of its own or in the request's; the request is observed as ever."""
    made: list[Any] = []

    def work() -> None:
        with perfkit.profile(name="in a thread") as block:
            site.first_part()
        made.append(block)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert stacks(seen(made[0]))[0][0].endswith("work")
    assert sampler().wait_for_end(20)


def perfprofile_of(*arguments: str) -> int:
    """Run it as a program does; return the exit status."""
    try:
        ManagementUtility(["manage.py", "perfprofile", *arguments]).execute()
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


@pytest.mark.parametrize("engine", ENGINES)
def test_a_command(captured: CapturedSite, engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its output goes where it goes, the table to the other, the capture into the store."""
    assert perfprofile_of("--engine", engine, "--rows", "4", "diffsettings", "--all") == 0
    told = capsys.readouterr()
    assert "SECRET_KEY" in told.out
    assert f"by {engine}" in told.err
    capture = captured.one()
    assert (capture.name, capture.reason, capture.owner) == ("manage.py diffsettings", COMMAND, "")
    assert f"kept as {capture.id}" in told.err
    assert "SECRET_KEY" not in told.err


def test_the_status_of_a_command_is_kept(
    captured: CapturedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that fails fails as it would, and is captured."""
    assert perfprofile_of("shell", "-c", "raise SystemExit(3)") == 3
    assert "manage.py shell" in capsys.readouterr().err
    assert captured.one().name == "manage.py shell"
    assert perfprofile_of("migrate", "no_such_app") == 1


@pytest.mark.parametrize(
    ("engine", "ending"),
    [
        ("sampler", "speedscope.json"),
        ("sampler", "collapsed"),
        (PYINSTRUMENT, "pyisession"),
        (CPROFILE, "pstats"),
        (CPROFILE, "json"),
    ],
)
def test_a_file_for_other_tools(
    captured: CapturedSite, tmp_path: Path, engine: str, ending: str
) -> None:
    """The ending names the format."""
    file = tmp_path / f"profile.{ending}"
    assert perfprofile_of("--engine", engine, "--output", str(file), "diffsettings") == 0
    if ending == "pstats":
        assert pstats.Stats(str(file)).total_calls > 0  # type: ignore[attr-defined]
    elif ending != "collapsed":
        assert json.loads(file.read_text())
    else:
        assert file.exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("nosuchcommand",), "there is no command 'nosuchcommand'"),
        (("perfprofile", "check"), "does not profile itself"),
        (("--output", "x.pstats", "check"), "its ending can be"),
        (("--output", "x.speedscope.json", "--engine", "cprofile", "check"), "its ending can be"),
        (("--engine", "gprof", "check"), "gprof"),
        ((), "COMMAND"),
    ],
)
def test_what_it_refuses(arguments: tuple[str, ...], reason: str) -> None:
    """One line with the value and what is allowed, before anything runs; status 2."""
    with pytest.raises(CommandError, match=reason) as refusal:
        call_command("perfprofile", *arguments)
    assert refusal.value.returncode == perfprofile.REFUSED


def test_a_file_that_cannot_be_written(
    captured: CapturedSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told, and the command's status stays."""
    file = tmp_path / "no" / "folder.json"
    assert perfprofile_of("--output", str(file), "diffsettings") == 0
    assert "was not written" in capsys.readouterr().err


def test_a_store_that_cannot_be_written(
    captured: CapturedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same."""
    captured.seen.path.mkdir(parents=True)
    assert perfprofile_of("diffsettings") == 0
    assert "not kept" in capsys.readouterr().err
    captured.seen.path.rmdir()
