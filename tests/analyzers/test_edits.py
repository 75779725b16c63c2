"""One edit for everything about one queryset: its code, its words, what it saves."""

from __future__ import annotations

from typing import Any

import pytest

from perfkit.analyzers import edits
from perfkit.analyzers.access import Access
from perfkit.analyzers.edits import Edit, edit_of, edit_without_root, longest
from perfkit.record import Asked, Built, Loaded
from tests.analyzers.handmade import access, asked, root

AUTHOR = "library.Author"


def edit(*accesses: Access) -> Edit:
    """Compose the edit to the root of the first."""
    first = accesses[0].root
    assert first is not None
    return edit_of(first, list(accesses))


def tags(count: int = 6, **facts: Any) -> Access:
    """Make a loop over the tags of each book."""
    facts.setdefault("plain", True)
    return access(asked("tags", "many_to_many", **facts), count)


def author(count: int = 6, **facts: Any) -> Access:
    """Make a loop over the author of each book."""
    return access(asked("author", **facts), count)


def publisher(**facts: Any) -> Access:
    """Make a loop over the publisher of each book's author."""
    behind = Loaded(AUTHOR, None, "single", "author", facts.pop("begin", root()))
    return access(asked("publisher", model=AUTHOR, origin=behind))


def test_pieces_come_in_the_order_in_which_django_takes_them() -> None:
    """Fields, joins, prefetches, annotations."""
    narrow = root(only=("title",))
    made = edit(
        access(asked("tags", "many_to_many", plain=True, origin=narrow)),
        access(asked("review_set", "reverse_many", method="exists", origin=narrow)),
        access(asked("author", origin=narrow)),
    )
    assert made.fix == (
        '.only("author", "title").select_related("author").prefetch_related("tags")'
        '.annotate(has_review=Exists(Review.objects.filter(book=OuterRef("pk"))))'
    )
    assert made.advice.startswith(f"add {made.fix} to the queryset; read .has_review")


def test_a_path_goes_through_shorter_ones() -> None:
    """Naming them too says nothing more."""
    assert edit(author(), publisher()).fix == '.select_related("author__publisher")'
    assert longest(["author", "tags", "author__publisher"]) == ["tags", "author__publisher"]
    assert longest(["author", "author_name", "author"]) == ["author", "author_name"]


@pytest.mark.parametrize(
    ("only", "path", "code"),
    [
        (("author", "title"), "author", ""),
        (("title",), "author", '.only("author", "title")'),
        (("title",), "author__publisher", '.only("author", "title")'),
        (("author__name", "title"), "author", ""),
        (
            ("author__name", "title"),
            "author__publisher",
            '.only("author__name", "author__publisher", "title")',
        ),
    ],
)
def test_only_gets_the_keys_that_the_path_follows(
    only: tuple[str, ...], path: str, code: str
) -> None:
    """Where it has fields of the rows on the way, their keys too."""
    narrow = root(only=only)
    accesses = [author(origin=narrow), *([publisher(begin=narrow)] if "__" in path else [])]
    assert edit(*accesses).fix == f'{code}.select_related("{path}")'


@pytest.mark.parametrize(
    ("deferred", "code"),
    [
        (("body",), ""),
        (("author",), ".defer(None)"),
        (("author", "body", "title"), '.defer(None).defer("body", "title")'),
    ],
)
def test_defer_lets_go_of_the_keys_that_the_path_follows(
    deferred: tuple[str, ...], code: str
) -> None:
    """And of nothing else."""
    assert edit(author(origin=root(deferred=deferred))).fix == f'{code}.select_related("author")'


def test_deferred_fields_are_loaded() -> None:
    """Added to only(), taken out of defer()."""
    body = asked("body", "deferred", origin=root(only=("title",)))
    assert edit(access(body)).fix == '.only("body", "title")'
    body = asked("body", "deferred", origin=root(deferred=("body", "title")))
    assert edit(access(body)).fix == '.defer(None).defer("title")'


def test_joins_without_names_are_named() -> None:
    """Naming one drops the others."""
    whole = root(joins_all=True, joined=("author", "author__publisher"))
    made = edit(access(asked("editor", origin=whole)))
    assert made.fix == '.select_related("author__publisher", "editor")'


def test_a_union_is_evaluated_first() -> None:
    """It takes neither join nor prefetch."""
    made = edit(author(origin=root(combined=True)), tags(origin=root(combined=True)))
    assert made.fix == 'prefetch_related_objects(rows, "author", "tags")'
    assert made.advice.startswith("evaluate the queryset to a list of rows and call ")
    field = access(asked("body", "deferred", origin=root(combined=True)))
    assert edit(field).fix == ""


def test_an_iterator_needs_a_chunk_size_for_a_prefetch() -> None:
    """A join needs none."""
    streamed = root(iterated=True)
    assert "chunk_size" in edit(tags(origin=streamed)).advice
    assert "chunk_size" not in edit(author(origin=streamed)).advice


ADMIN = {"owner": "shop.admin.BookAdmin", "owner_kind": "admin"}


def test_an_admins_joins_are_an_option_of_its_class() -> None:
    """With what it joins already."""
    made = edit(author(origin=root(**ADMIN)))
    assert made.fix == 'list_select_related = ("author",)'
    assert "in BookAdmin" in made.advice
    more = edit(access(asked("editor", origin=root(**ADMIN, joined=("author",)))))
    assert more.fix == 'list_select_related = ("author", "editor",)'


def test_an_admins_prefetch_belongs_into_its_queryset() -> None:
    """There is no option for it."""
    made = edit(tags(origin=root(**ADMIN)))
    assert made.fix == '.prefetch_related("tags")'
    assert "BookAdmin.get_queryset()" in made.advice
    both = edit(author(origin=root(**ADMIN)), tags(origin=root(**ADMIN)))
    assert both.fix == '.select_related("author").prefetch_related("tags")'


def test_a_views_queryset_is_named_by_its_class() -> None:
    """Where there is no line of its own."""
    made = edit(author(origin=root(owner="shop.views.BookList", owner_kind="view")))
    assert made.fix == '.select_related("author")'
    assert "to the queryset of BookList" in made.advice


def test_the_key_alone_is_read_from_the_row() -> None:
    """What the line should read is the code."""
    made = edit(author(key_only=True))
    assert (made.fix, made.saved) == ("author_id", [6])
    assert made.advice == "read author_id in place of author.pk"
    with_more = edit(author(key_only=True), tags())
    assert with_more.fix == '.prefetch_related("tags")'
    assert "author_id" in with_more.advice


def test_a_join_of_few_targets_says_what_moves_less() -> None:
    """Many books of one author carry that author's columns many times."""
    few = Built()
    assert few == root().built
    told = access(asked("author"), 8)
    shared = told.repeats.queries[0]
    queries = tuple(shared._replace(identity=at % 2) for at in range(8))
    object.__setattr__(told.repeats, "queries", queries)
    assert "moves less" in edit(told).advice
    assert "moves less" not in edit(author(8)).advice


@pytest.mark.parametrize(
    ("version", "offered"), [((6, 1, 1), False), ((6, 1, 2), True), ((6, 2, 0), True)], ids=str
)
def test_peers_are_offered_where_they_work(
    version: tuple[int, ...], offered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside joins since Django 6.1.2; not for managers, nor for rows that come one by one."""
    monkeypatch.setattr(edits.django, "VERSION", (*version, "final", 0))
    assert ("FETCH_PEERS" in edit(author()).advice) is offered
    assert "FETCH_PEERS" not in edit(tags()).advice
    assert "FETCH_PEERS" not in edit(author(origin=root(iterated=True))).advice


# What it saves.


def test_a_join_saves_all_and_a_prefetch_all_but_one() -> None:
    """In the order in which the accesses were given."""
    assert edit(author(6), tags(8)).saved == [6, 7]


def test_each_level_of_a_prefetch_runs_once() -> None:
    """As often as its queryset is evaluated."""
    behind = root(AUTHOR, times=2)
    books = Loaded("library.Book", None, "many", "books", behind)
    made = edit(
        access(asked("books", "reverse_many", AUTHOR, plain=True, origin=behind), 10),
        access(asked("tags", "many_to_many", plain=True, origin=books), 20),
    )
    assert made.fix == '.prefetch_related("books__tags")'
    assert made.saved == [8, 18]


def test_levels_that_are_loaded_already_cost_nothing_more() -> None:
    """A prefetch behind a join, or behind another prefetch."""
    for built in ({"joined": ("author",)}, {"prefetched": ("author",)}):
        begin = root(**built)
        behind = Loaded(AUTHOR, None, "join", "author", begin)
        books = asked("books", "reverse_many", AUTHOR, plain=True, origin=behind)
        assert edit(access(books, 6)).saved == [5]


def test_two_prefetches_of_one_relation_run_twice() -> None:
    """The whole of it, and its first."""
    made = edit(
        access(asked("books", "reverse_many", AUTHOR, plain=True)),
        access(asked("books", "reverse_many", AUTHOR, method="first")),
    )
    assert sum(made.saved) == 10


def test_a_generic_key_costs_a_statement_for_each_model() -> None:
    """And what is joined behind it none."""
    note = root("library.Note")
    to_books, to_authors = (
        access(asked("subject", "generic", "library.Note", origin=note)) for _ in range(2)
    )
    assert edit(to_books, to_authors).saved == [5, 5]
    book = Loaded("library.Book", None, "single", "subject", note)
    behind = access(asked("author", origin=book))
    made = edit(to_books, behind)
    assert "GenericPrefetch" in made.fix
    assert sum(made.saved) == 11


def test_what_needs_words_is_promised_only_by_itself() -> None:
    """All but one of the repeats, which one statement for all would be; a prefetch is there."""
    filtered = tags(plain=False, lookups=(("name", "exact"),))
    assert edit(filtered).saved == [5]
    assert edit(author(), filtered).saved == [6, 0]
    known = root(prefetched=("tags",))
    wasted = tags(plain=False, method="first", prefetched=True, origin=known)
    assert edit(wasted).saved == [6]
    assert edit(author(origin=known), wasted).saved == [6, 0]


# Without a queryset to edit.


def get(*lookups: tuple[str, str], label: str = AUTHOR, **facts: Any) -> Access:
    """Make a loop over keys, each looked up by itself."""
    told = Asked("", "", "queryset", False, None, label, "get", lookups=lookups)
    return access(told, **facts)


@pytest.mark.parametrize(
    ("found", "fix", "words"),
    [
        (get(("id", "exact")), "Author.objects.in_bulk(pks)", "look each up in that dict"),
        (get(("slug", "exact"), label="library.Category"), "Category.objects.in_bulk(pks)", ""),
        (get(("name", "exact")), "", ".filter(name__in=...)"),
        (get(("name", "iexact")), "", "before the loop"),
        (get(("id", "exact"), ("name", "exact")), "", "before the loop"),
        (get(), "", "before the loop"),
        (get(("id", "exact"), is_async=True), "Author.objects.ain_bulk(pks)", ""),
    ],
)
def test_a_loop_of_get_is_one_in_bulk(found: Access, fix: str, words: str) -> None:
    """By the primary key; by a field that is not unique all are filtered."""
    made = edit_without_root([found])
    assert (made.fix, made.saved) == (fix, [5])
    assert words in made.advice


def test_a_unique_field_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """in_bulk() takes it by name."""
    monkeypatch.setattr(edits, "is_unique", lambda label, name: name == "name")
    made = edit_without_root([get(("name", "exact"))])
    assert made.fix == 'Author.objects.in_bulk(names, field_name="name")'


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (asked("", "model", method="refresh_from_db"), "requery all rows at once"),
        (
            asked("tags", "prefetch", method="prefetch_related_objects", origin=None),
            "with the list of all rows",
        ),
        (asked("mentor", model=AUTHOR, origin=None, recursive=True), "whole tree"),
        (asked("publisher", model=AUTHOR, origin=None, recursive=True), "whole tree"),
        (asked("author", origin=None), "load author along where the library.Book rows"),
        (Asked("", "", "raw", False, None, "library.Book", "raw"), "load the library.Book rows"),
        (
            Asked("", "", "queryset", False, None, AUTHOR, "__getitem__", refined=("index",)),
            "evaluate the queryset once",
        ),
        (Asked("", "", "queryset", False, None, AUTHOR, "count"), "let one statement work"),
        (None, "before the loop"),
    ],
)
def test_other_loops_are_told_in_words(told: Asked | None, words: str) -> None:
    """What to do before the loop."""
    made = edit_without_root([access(told)])
    assert made.fix == ""
    assert words in made.advice


def test_several_loops_of_one_line_are_told_together() -> None:
    """Each thing to do once."""
    made = edit_without_root([get(("id", "exact")), access(None), access(None)])
    assert made.fix == ""
    assert made.saved == [5, 5, 5]
    assert made.advice.count("; ") == 1
