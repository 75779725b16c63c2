"""Bytecode: which loop repeats a call, and what is read from what an attribute gave."""

# ruff: noqa: D103  # what each small function shows stands in its name

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from types import CodeType, FrameType
from typing import Any

import pytest

from perfkit.looping import attributes_read_of, calls, loop_line

Seen = list[tuple[CodeType, int]]


def seen_from(function: Callable[[Callable[..., Any]], object]) -> Seen:
    """Run a function with a callable that notes from which instruction it is called."""
    seen: Seen = []

    def look(*args: object) -> bool:
        frame = sys._getframe(1)
        seen.append((frame.f_code, frame.f_lasti))
        return len(seen) < 3

    function(look)
    return seen


def loops(function: Callable[[Callable[..., Any]], object]) -> list[int | None]:
    """Return, for each call, the line of the loop around it, counted from the function's first."""
    first = function.__code__.co_firstlineno
    return [
        None if (line := loop_line(code, at)) is None else line - first
        for code, at in seen_from(function)
    ]


def straight(look: Callable[..., Any]) -> None:
    look()


def after_a_loop(look: Callable[..., Any]) -> None:
    for _ in range(3):
        pass
    look()


def for_loop(look: Callable[..., Any]) -> None:
    for _ in range(3):
        look()


def while_loop(look: Callable[..., Any]) -> None:
    while look():
        pass


def while_true(look: Callable[..., Any]) -> None:
    while True:
        if not look():
            break


def nested(look: Callable[..., Any]) -> None:
    for _ in range(1):
        look()
        for _ in range(1):
            look()


def with_continue(look: Callable[..., Any]) -> None:
    for number in range(3):
        if not number:
            continue
        look()


def with_try(look: Callable[..., Any]) -> None:
    for _ in range(2):
        try:
            look()
        except ValueError:
            continue


def what_is_looped_over(look: Callable[..., Any]) -> None:
    for _ in [look()]:
        pass


def listed(look: Callable[..., Any]) -> list[Any]:
    return [
        look() for _ in range(2)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "lines"),
    [
        (straight, [None]),
        (after_a_loop, [None]),
        (for_loop, [1, 1, 1]),
        (while_true, [1, 1, 1]),
        (nested, [1, 3]),
        (with_continue, [1, 1]),
        (with_try, [1, 1]),
        (what_is_looped_over, [None]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_innermost_loop_around_a_call(
    function: Callable[[Callable[..., Any]], object], lines: list[int | None]
) -> None:
    """Its line; none for a call beside a loop, or for what is looped over."""
    assert loops(function) == lines


def test_a_condition_is_in_its_loop() -> None:
    """CPython compiles it twice: for the first time before the loop, where nothing repeats it."""
    first, *repeats = loops(while_loop)
    assert first in (None, 1)
    assert repeats == [1, 1]


def test_a_comprehension_is_a_loop() -> None:
    """Inlined, as from CPython 3.12 on, or in a function of its own."""
    assert all(line is not None for line in loops(listed))


def test_a_generator_expression_is_a_loop() -> None:
    """Its function loops, whoever draws from it."""

    def drawn(look: Callable[..., Any]) -> None:
        list(look() for _ in range(2))  # noqa: C400  # the generator is what is tested

    assert all(line is not None for line in loops(drawn))


class Awaited:
    """Something to wait for, which gives way once."""

    def __await__(self) -> Iterable[Any]:
        yield None


def run(coroutine: Any) -> None:
    """Run a coroutine without a loop of events."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        return


def test_waiting_is_no_loop() -> None:
    """An `await` compiles to a jump backwards, which repeats nothing of the site's."""
    seen: Seen = []

    def look() -> Awaited:
        frame: FrameType = sys._getframe(1)
        seen.append((frame.f_code, frame.f_lasti))
        return Awaited()

    async def once() -> None:
        await look()
        await look()

    async def repeatedly() -> None:
        for _ in range(2):
            await look()

    run(once())
    assert [loop_line(*each) for each in seen] == [None, None]
    seen.clear()
    run(repeatedly())
    assert None not in [loop_line(*each) for each in seen]


def test_an_async_loop_is_a_loop() -> None:
    """`async for` waits and repeats."""
    seen: Seen = []

    async def numbers() -> Any:
        for number in range(2):
            await Awaited()
            yield number

    async def walk() -> None:
        async for _ in numbers():
            frame = sys._getframe()
            seen.append((frame.f_code, frame.f_lasti))

    run(walk())
    assert len(seen) == 2
    assert None not in [loop_line(*each) for each in seen]


# What is read next.


class Noting:
    """A descriptor, as those of relations are, that notes from which instruction it is read."""

    def __get__(self, row: Row, owner: type[Row]) -> Row:
        frame = sys._getframe(1)
        row.seen.append((frame.f_code, frame.f_lasti))
        return row


class Row:
    """A row with one relation, to itself."""

    author = Noting()
    pk = id = name = 7

    def __init__(self, seen: Seen) -> None:
        self.seen = seen

    def save(self) -> None:
        """Stand for a method."""


def read_key(row: Row) -> object:
    return row.author.pk


def read_name(row: Row) -> object:
    return row.author.name


def read_both(row: Row) -> object:
    return f"{row.author.pk}: {row.author.name}"


def read_a_method(row: Row) -> object:
    return row.author.save()  # type: ignore[func-returns-value]  # nothing is


def keep(row: Row) -> object:
    author = row.author
    return author.pk


def hand_over(row: Row) -> object:
    return id(row.author)


def by_name(row: Row) -> object:
    return getattr(row, "author").pk  # noqa: B009  # no attribute in the bytecode


def in_a_loop(row: Row) -> object:
    return [each.author.pk for each in [row] * 50]


@pytest.mark.parametrize(
    ("read", "attributes"),
    [
        (read_key, {"pk"}),
        (read_name, {"name"}),
        (read_both, {"pk", "name"}),
        (keep, {""}),
        (hand_over, {""}),
        (by_name, set()),
        (in_a_loop, {"pk"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_a_function_reads_of_what_an_attribute_gave(
    read: Callable[[Row], object], attributes: set[str]
) -> None:
    """By name what follows at once, wherever in the function; of another use nothing is known."""
    seen: Seen = []
    read(Row(seen))
    assert {attributes_read_of(*each) for each in seen} == {frozenset(attributes)}


def test_a_method_is_no_key() -> None:
    """Whatever the bytecode calls it, it is not one of the names of a key."""
    seen: Seen = []
    read_a_method(Row(seen))
    assert attributes_read_of(*seen[0]) <= {"", "save"}


def test_an_instruction_that_is_none_reads_nothing() -> None:
    """A place from elsewhere is no attribute's."""
    assert attributes_read_of(read_key.__code__, 100_000) == frozenset()
    assert loop_line(for_loop.__code__, 100_000) is None


# Which functions call themselves.


def down(row: Row) -> None:
    down(row.author)


def name(row: Row) -> object:
    return row.name


class Tree:
    """A class whose method walks by itself."""

    def walk(self, row: Row) -> None:
        """Go on with what the row leads to."""
        self.walk(row.author)


def closure() -> Callable[[Row], None]:
    def inner(row: Row) -> None:
        inner(row.author)

    return inner


@pytest.mark.parametrize(
    ("function", "does"),
    [(down, True), (Tree.walk, True), (closure(), True), (name, False), (read_key, False)],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_a_function_that_calls_one_of_its_name(function: Any, does: bool) -> None:
    """A function, a method or a closure; an attribute of that name is no call."""
    assert calls(function.__code__, function.__name__) is does
