"""Local names of a frame: read, and left as if nobody had looked."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import Any

import pytest

from perfkit.capture.frames import holds_its_names, names_of


class Thing:
    """Something that a name may hold."""


def test_names_and_what_they_hold() -> None:
    """As the function would see them itself."""
    thing = Thing()
    names = names_of(sys._getframe())
    assert names["thing"] is thing


def look_and_delete() -> Any:
    """Look at one's own names, delete one, and return what is left of the thing it held."""
    thing = Thing()
    held = weakref.ref(thing)
    names_of(sys._getframe())
    del thing
    gc.collect()
    return held()


def test_what_a_function_deletes_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at a frame keeps nothing alive in it."""
    monkeypatch.setattr(sys, "gettrace", lambda: None)  # coverage traces, and changes nothing
    assert look_and_delete() is None


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the dict is not the frame's own there")
@pytest.mark.parametrize("kind", ["gettrace", "getprofile"])
def test_what_a_debugger_writes_back_is_left(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python copies the dict of a traced frame back into its variables."""
    monkeypatch.setattr(sys, kind, lambda: object())
    assert look_and_delete() is not None


def test_what_locals_gave_is_still_whole() -> None:
    """A page's context may be the very dict that the frame keeps."""

    def view() -> dict[str, Any]:
        title = "one"
        context = locals()
        names_of(sys._getframe())
        assert title == "one"
        return context

    assert view()["title"] == "one"


def takes_its_names() -> object:
    """Hold the dict of one's own names."""
    return locals()


def takes_those_of_none() -> object:
    """Ask for the names of nothing in particular."""
    return vars()


def has_such_attributes(row: Any) -> object:
    """Read attributes of these names, which is another thing."""
    return row.locals, row.vars


def holds_nothing(row: Any) -> object:
    """Do something else."""
    return row.name


@pytest.mark.parametrize(
    ("function", "holds"),
    [
        (takes_its_names, True),
        (takes_those_of_none, True),
        (has_such_attributes, False),
        (holds_nothing, False),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_function_may_hold_its_own_names(function: Any, holds: bool) -> None:
    """Looking at them would change what it was given; from CPython 3.13 on it does not."""
    assert holds_its_names(function.__code__) is (holds and sys.version_info < (3, 13))


def test_a_modules_names_stay() -> None:
    """Outside of functions the frame's names are the module's own."""
    module: dict[str, Any] = {"look": lambda: dict(names_of(sys._getframe(1)))}
    exec("one = 1\nseen = look()\ntwo = one + 1", module)
    assert module["seen"]["one"] == 1
    assert module["two"] == 2


def test_a_class_bodys_names_stay() -> None:
    """They are about to become the class."""

    class Made:
        one = 1
        seen = dict(names_of(sys._getframe()))
        two = one + 1

    assert (Made.seen["one"], Made.one, Made.two) == (1, 1, 2)


@pytest.mark.parametrize("scope", [{}, None], ids=["locals of its own", "globals"])
def test_names_of_executed_text_stay(scope: dict[str, Any] | None) -> None:
    """What exec() was given is read, not emptied."""
    given: dict[str, Any] = {"look": lambda: dict(names_of(sys._getframe(1)))}
    local = given if scope is None else scope
    exec("one = 1\nseen = look()", given, local)
    assert local["one"] == local["seen"]["one"] == 1


def test_a_generators_names_stay() -> None:
    """A frame that is left and entered again goes on where it was."""

    def count() -> Any:
        number = 1
        while True:
            yield names_of(sys._getframe())["number"]
            number += 1

    counting = count()
    assert [next(counting) for _ in range(3)] == [1, 2, 3]
