"""Rules and comments accept an access, and what accepted one is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from perfkit.acceptance.accepted import (
    Acceptance,
    forget,
    key_of_rule,
    matched,
    take_matched,
)
from perfkit.record import Site

VIEW = Site("shop/views.py", 25, "product_list")
TEMPLATE = Site("shop/templates/list.html", 12, "")


@pytest.fixture(autouse=True)
def nothing_matched_yet() -> Iterator[None]:
    """Begin with no memory of other tests."""
    forget()
    yield
    forget()


def rule(**patterns: str) -> tuple[tuple[str, str], ...]:
    """Make a rule as the settings hold it."""
    return tuple(sorted(patterns.items()))


def accepts(*rules: tuple[tuple[str, str], ...], path: str = "author__publisher") -> bool:
    """Ask about a loop over books in a view, shown by a template."""
    acceptance = Acceptance(rules, "/products/<int:pk>/", "GET")
    return acceptance.accepts("n_plus_one", "shop.Book", path, (TEMPLATE, None, VIEW))


@pytest.mark.parametrize(
    "patterns",
    [
        {"MODEL": "shop.Book"},
        {"MODEL": "shop.*"},
        {"PATH": "author__publisher"},
        {"PATH": "author*"},
        {"ROUTE": "/products/<int:pk>/"},
        {"ROUTE": "GET /products/<int:pk>/"},
        {"ROUTE": "/products/*"},
        {"FILE": "shop/views.py"},
        {"FILE": "*/list.html"},
        {"KIND": "n_plus_one"},
        {"MODEL": "shop.Book", "PATH": "author*", "KIND": "n_plus_*", "REASON": "three rows"},
    ],
)
def test_a_rule_accepts_what_all_its_patterns_match(patterns: dict[str, str]) -> None:
    """The reason is for the reader."""
    assert accepts(rule(**patterns))


@pytest.mark.parametrize(
    "patterns",
    [
        {"MODEL": "shop.book"},
        {"MODEL": "Book"},
        {"PATH": "publisher"},
        {"ROUTE": "/products/"},
        {"ROUTE": "POST /products/*"},
        {"FILE": "views.py"},
        {"KIND": "duplicate_query"},
        {"MODEL": "shop.Book", "PATH": "tags"},
    ],
)
def test_a_rule_of_which_one_pattern_does_not_match_accepts_nothing(
    patterns: dict[str, str],
) -> None:
    """A pattern is about the whole text, and its letters' case counts."""
    assert not accepts(rule(**patterns))


def test_any_of_several_paths_will_do() -> None:
    """A finding of an analyzer that merges."""
    assert accepts(rule(PATH="tags"), path="author, tags")
    assert not accepts(rule(PATH="ta"), path="author, tags")


def test_what_is_special_in_a_pattern_may_stand_in_a_route() -> None:
    """Routes of `re_path` hold brackets and stars."""
    route = "^articles/([0-9]+)/$"
    acceptance = Acceptance([rule(ROUTE=route)], route, "GET")
    assert acceptance.accepts("slow_query", "", "", ())


def test_without_rules_and_comments_nothing_is_accepted() -> None:
    """The usual case."""
    assert not accepts()
    assert matched() == []


def test_every_rule_that_accepts_is_remembered() -> None:
    """Not only the first: the others would seem stale."""
    rules = rule(MODEL="shop.Book"), rule(PATH="author*"), rule(PATH="tags")
    assert accepts(*rules)
    assert matched() == sorted(map(key_of_rule, rules[:2]))


def test_a_new_reason_leaves_a_rule_the_same() -> None:
    """What it matched yesterday it would match today."""
    plain, told = rule(MODEL="shop.Book"), rule(MODEL="shop.Book", REASON="few")
    assert key_of_rule(plain) == key_of_rule(told) != key_of_rule(rule(MODEL="shop.Author"))


def test_the_store_gets_each_key_once_a_flush() -> None:
    """And the session keeps them all."""
    book = rule(MODEL="shop.Book")
    accepts(book)
    accepts(book)
    assert take_matched() == [key_of_rule(book)]
    assert take_matched() == []
    assert matched() == [key_of_rule(book)]
    accepts(book)
    assert take_matched() == [key_of_rule(book)]


def test_what_is_remembered_is_bounded() -> None:
    """A process that lives for months with settings that a test suite makes up."""
    for number in range(2_100):
        accepts(rule(MODEL=f"shop.*[{number}k]"))
    assert len(matched()) == len(take_matched()) == 2_000


@pytest.mark.parametrize("line", [1, 2])
def test_a_comment_on_any_of_the_lines_accepts(
    line: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Access, caller, loop or origin; one without a reason accepts nothing."""
    (tmp_path / "views.py").write_text(
        "books = list(Book.objects.all())  # perfkit: ok[few]\n"
        "for book in books:  # perfkit: ok[fewer]\n"
        "    book.author  # perfkit: ok\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    acceptance = Acceptance(())
    inner = Site("views.py", 3, "f")
    assert not acceptance.accepts("n_plus_one", "", "", (inner,))
    assert matched() == []
    assert acceptance.accepts("n_plus_one", "", "", (inner, None, Site("views.py", line, "f")))
    assert len(matched()) == 1
