"""What each loop needs of its root queryset: pieces of one edit, or words."""

from __future__ import annotations

from typing import Any

import pytest

from perfkit.analyzers.access import Access
from perfkit.analyzers.plan import Plan, attname, plan_of, prefetch_once
from perfkit.record import Asked, Loaded
from tests.analyzers.handmade import access, asked, root
from tests.library.models import Book

AUTHOR, BOOK = "library.Author", "library.Book"


def plan(*accesses: Access) -> Plan:
    """Plan the edit to the root of the first."""
    first = accesses[0].root
    assert first is not None
    return plan_of(first, list(accesses))


def many(name: str, model: str = AUTHOR, **facts: Any) -> Access:
    """Make a loop over a manager."""
    kind = facts.pop("kind", "many_to_many" if name == "tags" else "reverse_many")
    return access(asked(name, kind, model, **facts))


@pytest.mark.parametrize(
    ("built", "joins", "prefetches"),
    [
        ({}, ["author"], []),
        ({"sliced": True}, ["author"], []),
        ({"raw": True}, [], ["author"]),
        ({"combined": True}, [], ["author"]),
        ({"locked": True}, ["author"], []),
    ],
    ids=str,
)
def test_a_row_is_joined_where_that_may_be(
    built: dict[str, Any], joins: list[str], prefetches: list[str]
) -> None:
    """Else it is prefetched."""
    made = plan(access(asked("author", origin=root(**built))))
    assert (list(made.joins), list(made.prefetches)) == (joins, prefetches)


def test_a_lock_is_not_taken_through_a_nullable_join() -> None:
    """PostgreSQL refuses it."""
    made = plan(access(asked("editor", origin=root(locked=True))))
    assert (list(made.joins), list(made.prefetches)) == ([], ["editor"])


@pytest.mark.parametrize("step", ["prefetch", "many"])
def test_behind_a_prefetch_a_join_does_not_reach(step: str) -> None:
    """Its rows are those of another statement."""
    books = Loaded(BOOK, None, step, "books", root(AUTHOR))
    made = plan(access(asked("category", origin=books)))
    assert (list(made.joins), list(made.prefetches)) == ([], ["books__category"])


def test_a_child_of_a_row_with_few_fields_is_prefetched() -> None:
    """Joined, its inherited columns would stay deferred."""
    told = asked("audiobook", "reverse_one", origin=root(only=("title",)))
    assert list(plan(access(told)).prefetches) == ["audiobook"]
    assert list(plan(access(asked("audiobook", "reverse_one"))).joins) == ["audiobook"]


def test_what_is_there_serves_the_needs_that_follow() -> None:
    """A count of what is prefetched, the key of what is joined: nothing more to write."""
    made = plan(
        many("books", method="count"),
        many("books", plain=True),
        many("books", method="exists"),
    )
    assert list(made.prefetches) == ["books"]
    assert (made.annotations, made.instead) == ({}, {})
    joined = plan(access(asked("author", key_only=True)), access(asked("author")))
    assert (list(joined.joins), joined.instead) == (["author"], {})


def test_the_order_of_the_accesses_does_not_matter() -> None:
    """The advice is the same from request to request, whichever part took longer."""
    parts = [
        many("tags", BOOK, method="count"),
        many("tags", BOOK, method="exists"),
        many("review_set", BOOK, method="count"),
        access(asked("author")),
    ]
    one, other = plan(*parts), plan(*reversed(parts))
    assert list(one.annotations.items()) == list(other.annotations.items())
    assert list(one.joins) == list(other.joins)


@pytest.mark.parametrize(
    "built",
    [{"raw": True}, {"combined": True}, {"sliced": True}, {"locked": True}, {"grouped": True}],
    ids=str,
)
def test_a_count_is_annotated_only_where_that_is_right(built: dict[str, Any]) -> None:
    """A slice, a lock or a join of the queryset's own would make it fail or count wrongly."""
    made = plan(many("books", method="count", origin=root(AUTHOR, **built)))
    assert (list(made.prefetches), made.annotations) == (["books"], {})
    assert plan(many("books", method="count")).annotations == {
        "books_count": 'Count("books", distinct=True)'
    }


def test_a_test_is_annotated_beside_a_group() -> None:
    """A subquery is not multiplied by anything."""
    made = plan(many("books", method="exists", origin=root(AUTHOR, grouped=True)))
    assert made.annotations == {"has_books": 'Exists(Book.objects.filter(author=OuterRef("pk")))'}


def test_a_count_beside_a_sum_of_another_relation_is_no_annotation() -> None:
    """Each of the joined rows would be summed as often as there are of the others."""
    made = plan(
        many("edited", method="count"),
        many("books", method="aggregate", detail=("Sum", "pk")),
    )
    assert made.annotations == {"books_pk_sum": 'Sum("books__pk")'}
    assert list(made.prefetches) == ["edited"]


@pytest.mark.parametrize("first", ["Sum", "Max"])
def test_a_sum_and_an_extreme_of_two_relations_are_not_annotated_together(first: str) -> None:
    """The second joined relation multiplies what is summed up over the first."""
    second = "Max" if first == "Sum" else "Sum"
    made = plan(
        many("books", method="aggregate", detail=(first, "pk")),
        many("edited", method="aggregate", detail=(second, "pk")),
    )
    assert len(made.annotations) == 1
    assert "Subquery" in next(iter(made.words))


@pytest.mark.parametrize(
    ("detail", "code"),
    [
        (("Max", "title"), 'Max("books__title")'),
        (("Avg", "author__pk"), 'Avg("books__author__pk")'),
        (("Count", "pk"), 'Count("books__pk", distinct=True)'),
    ],
)
def test_a_simple_aggregate_is_annotated(detail: tuple[str, str], code: str) -> None:
    """Under a name that says what it is."""
    (annotation,) = plan(many("books", method="aggregate", detail=detail)).annotations.items()
    assert annotation == (f"books_{detail[1].replace('__', '_')}_{detail[0].lower()}", code)


@pytest.mark.parametrize(
    "facts",
    [
        {"detail": ()},
        {"detail": ("StringAgg", "title")},
        {"detail": ("Sum", "pk"), "origin": root(AUTHOR, grouped=True)},
        {"detail": ("Sum", "pk"), "origin": root(AUTHOR, sliced=True)},
    ],
    ids=["not simple", "unknown", "grouped", "sliced"],
)
def test_another_aggregate_is_told_in_words(facts: dict[str, Any]) -> None:
    """A subquery does it; nobody knows how without the code."""
    made = plan(many("books", method="aggregate", **facts))
    assert made.annotations == {}
    assert "Subquery" in next(iter(made.words))


def test_an_aggregate_deeper_down_is_told_in_words() -> None:
    """An annotation of the root would be that of all its rows."""
    author = Loaded(AUTHOR, None, "join", "author", root())
    made = plan(many("books", method="aggregate", detail=("Max", "pk"), origin=author))
    assert "Subquery" in next(iter(made.words))


@pytest.mark.parametrize(
    ("facts", "rows"),
    [
        ({"method": "first"}, '.order_by("pk")[:1]'),
        ({"method": "last"}, '.order_by("-pk")[:1]'),
        ({"method": "first", "detail": ("-title",), "refined": ("order_by",)},
         '.order_by("-title")[:1]'),
        ({"method": "last", "detail": ("-title",), "refined": ("order_by",)},
         '.order_by("title")[:1]'),
        ({"method": "latest", "detail": ("title",)}, '.order_by("-title")[:1]'),
        ({"method": "earliest", "detail": ("title",)}, '.order_by("title")[:1]'),
        ({"refined": ("slice[:3]",)}, ".all()[:3]"),
        ({"refined": ("slice[:3]", "order_by"), "detail": ("title",)}, '.order_by("title")[:3]'),
        ({"refined": ("order_by",), "detail": ("title", "pk")}, '.order_by("title", "pk")'),
    ],
    ids=str,
)  # fmt: skip
def test_the_first_rows_are_prefetched_in_their_order(facts: dict[str, Any], rows: str) -> None:
    """As many as are read, to a list of their own."""
    ((path, code),) = plan(many("books", **facts)).custom
    assert path == "books"
    assert f"queryset=Book.objects{rows}, to_attr=" in code


@pytest.mark.parametrize(
    "facts",
    [
        {"method": "__getitem__", "refined": ("order_by", "slice")},
        {"method": "first", "refined": ("order_by",), "detail": ()},
        {"method": "latest", "detail": ()},
        {"method": "first", "kind": "generic_many"},
    ],
    ids=["from the middle", "by an expression", "without a field", "of a generic relation"],
)
def test_an_order_that_cannot_be_written_is_told_in_words(facts: dict[str, Any]) -> None:
    """And a generic relation cannot be prefetched in part."""
    name, model = ("notes", BOOK) if "kind" in facts else ("books", AUTHOR)
    made = plan(many(name, model, **facts))
    assert made.custom == {}
    assert made.words


def test_a_models_own_order_decides_what_is_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then no order need be written; what is last under it, only the database knows."""
    monkeypatch.setattr(Book._meta, "ordering", ["title"])
    ((_, code),) = plan(many("books", method="first")).custom
    assert "queryset=Book.objects.all()[:1]" in code
    assert plan(many("books", method="last")).custom == {}


def test_two_prefetches_of_one_relation_have_two_names() -> None:
    """Django refuses two different ones to one attribute."""
    made = plan(
        many("books", method="first", refined=("order_by",), detail=("title",)),
        many("books", method="first", refined=("order_by",), detail=("-title",)),
        many("books", method="first", refined=("order_by",), detail=("-title", "pk")),
    )
    names = [code.rpartition('to_attr="')[2] for _, code in made.custom]
    assert len(set(names)) == 3
    assert all(name.removesuffix('")').isidentifier() for name in names)


def test_the_line_that_asks_is_told_what_to_read() -> None:
    """Where the code before it is not enough."""
    assert list(plan(many("books", method="count")).instead) == [
        ".books_count in place of .books.count()"
    ]
    assert list(plan(many("books", refined=("values",))).instead) == [
        "the values from .books.all() in place of the query"
    ]
    by_key = many("books", plain=True, by_key=True)
    assert list(plan(by_key).instead) == [".books.all() in place of the query"]
    row = access(asked("author", by_key=True))
    assert list(plan(row).instead) == [".author in place of the query"]
    counted = many("books", method="count", by_key=True, origin=root(AUTHOR, sliced=True))
    assert list(plan(counted).instead) == [".books.count() in place of the query"]
    assert list(plan(access(asked("author", key_only=True))).instead) == [
        "author_id in place of author.pk"
    ]


@pytest.mark.parametrize(
    ("built", "words"),
    [
        ({"only": ("title",)}, None),
        ({"deferred": ("body",)}, None),
        ({"raw": True}, "raw statement"),
        ({}, "load it along"),
    ],
    ids=str,
)
def test_a_deferred_field_is_named_where_it_was_left_out(
    built: dict[str, Any], words: str | None
) -> None:
    """By only() or defer(); a field that is loaded late for another reason needs words."""
    made = plan(access(asked("body", "deferred", origin=root(**built))))
    if words is None:
        assert (list(made.fields), made.words) == (["body"], {})
    else:
        assert made.fields == {}
        assert words in next(iter(made.words))


def test_the_keys_that_a_path_follows_are_noted() -> None:
    """only() must have them; behind a prefetch they are another statement's."""
    assert list(plan(access(asked("author"))).keys) == ["author"]
    author = Loaded(AUTHOR, None, "join", "author", root())
    deeper = access(asked("publisher", model=AUTHOR, origin=author))
    assert list(plan(deeper).keys) == ["author", "author__publisher"]
    books = Loaded(BOOK, None, "prefetch", "books", root(AUTHOR))
    assert list(plan(access(asked("category", origin=books))).keys) == []
    note = access(asked("subject", "generic", "library.Note"))
    assert list(plan(note).keys) == ["content_type", "object_id"]
    profile = access(asked("profile", "reverse_one", AUTHOR))
    assert list(plan(profile).keys) == ["profile"]


def generic(*steps: tuple[str, str, str], begin: Loaded | None = None) -> Loaded:
    """Make a row behind a note's subject."""
    node = begin or root("library.Note")
    for step, name, model in (("single", "subject", BOOK), *steps):
        node = Loaded(model, None, step, name, node)
    return node


def test_behind_a_generic_key_each_model_has_its_joins() -> None:
    """A queryset for each, in one GenericPrefetch."""
    made = plan(
        access(asked("author", origin=generic())),
        access(
            asked(
                "publisher",
                model=AUTHOR,
                origin=generic(("single", "author", AUTHOR)),
            )
        ),
    )
    assert made.generic == {"subject": {BOOK: ["author", "author__publisher"]}}
    assert made.words == {}


def test_behind_a_generic_key_a_manager_needs_words() -> None:
    """And so does what a prefetch of that key is there for already."""
    made = plan(many("tags", BOOK, origin=generic(), plain=True))
    assert made.generic == {}
    assert "before the loop" in next(iter(made.words))
    known = root("library.Note", prefetched=("subject",))
    again = plan(access(asked("author", origin=generic(begin=known))))
    assert again.generic == {}
    assert again.words


@pytest.mark.parametrize("built", [{"joined": ("author",)}, {"prefetched": ("author",)}], ids=str)
def test_what_is_loaded_along_is_not_asked_for_again(built: dict[str, Any]) -> None:
    """Adding it would be no cure: other instances than those that have it were read."""
    made = plan(access(asked("author", origin=root(**built))))
    assert (made.joins, made.prefetches) == ({}, {})
    assert "other instances" in next(iter(made.words))


def test_what_the_framework_asks_nobody_can_write_otherwise() -> None:
    """A form counts as it counts; what it reads whole can be there before."""
    counted = plan(many("books", method="count", by_framework=True))
    assert counted.annotations == {}
    assert "by the framework" in next(iter(counted.words))
    read = plan(many("books", plain=True, by_framework=True))
    assert (list(read.prefetches), read.words) == (["books"], {})


@pytest.mark.parametrize(
    ("facts", "doing"),
    [
        ({"refined": ("order_by", "slice[:3]")}, "order_by, slice"),
        ({"lookups": (("title", "exact"),)}, "filter"),
        ({"method": "first"}, "first"),
    ],
)
def test_a_bypassed_prefetch_says_what_bypasses_it(facts: dict[str, Any], doing: str) -> None:
    """To do it in Python, or inside the prefetch."""
    known = root(AUTHOR, prefetched=("books",))
    made = plan(many("books", prefetched=True, origin=known, **facts))
    assert f"books is prefetched, and {doing} asks the database again" in next(iter(made.words))


@pytest.mark.parametrize(
    ("method", "words"),
    [("prefetch_related_objects", "with the list of all rows"), ("__iter__", "before the loop")],
)
def test_a_prefetch_for_one_row_belongs_before_the_loop(method: str, words: str) -> None:
    """By hand, or of a queryset that is evaluated for each row."""
    told = asked("books", "prefetch", AUTHOR, method=method)
    assert words in prefetch_once(told)
    assert words in next(iter(plan(access(told)).words))


def test_a_recursion_needs_words_and_so_does_what_hangs_on_it() -> None:
    """The tree is fetched whole, with whatever is shown of its rows."""
    mentors = Loaded(AUTHOR, None, "single", "mentor", root(AUTHOR))
    made = plan(
        access(asked("mentor", model=AUTHOR, recursive=True)),
        access(asked("publisher", model=AUTHOR, origin=mentors)),
    )
    assert (made.joins, made.prefetches) == ({}, {})
    assert len(made.words) == 2


def test_a_refined_relation_needs_words() -> None:
    """The same conditions inside a Prefetch."""
    filtered = plan(many("books", lookups=(("title", "exact"),)))
    assert "load the filtered rows" in next(iter(filtered.words))
    refined = plan(many("books", refined=("distinct",)))
    assert "load the refined rows" in next(iter(refined.words))


def test_a_relation_that_the_models_do_not_know_needs_words() -> None:
    """Of another site, or made at run time."""
    made = plan(access(asked("nothing")))
    assert "before the loop" in next(iter(made.words))


def test_the_attribute_of_a_key_is_its_models() -> None:
    """Or what Django would call it."""
    assert attname(asked("author")) == "author_id"
    assert attname(Asked("shop.Book", "author", "forward", False, None)) == "author_id"
