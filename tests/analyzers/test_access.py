"""A loop understood: is it one, which queryset began it, which path leads from there, what is needed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from perfkit.analyzers.access import Access, is_proved, is_recursive, need_of, read_loops
from perfkit.analyzers.repeats import Repeats
from perfkit.conf import get_settings
from perfkit.record import Asked, Loaded, Path, Site
from tests.analyzers.handmade import LINE, access, asked, query, record_of, root, runs

AUTHOR = "library.Author"


def proved(told: Asked | None, count: int, identities: int | None = None) -> bool:
    """Tell whether that many repeats are a loop, with so many different parameters."""
    queries = [query(identity=at % (identities or count)) for at in range(count)]
    return is_proved(Repeats(tuple(queries), Path((LINE,), told)), get_settings())


# Is it a loop?


@override_settings(PERFKIT={"N_PLUS_ONE_MS": 1_000.0})
@pytest.mark.parametrize(
    ("count", "identities", "is_one"),
    [(5, 5, True), (4, 4, False), (5, 1, False), (5, 2, True)],
)
def test_without_rows_it_takes_enough_repeats_of_different_questions(
    count: int, identities: int, is_one: bool
) -> None:
    """At the threshold it is a loop; plain duplicates are none."""
    assert proved(None, count, identities) is is_one


@override_settings(PERFKIT={"N_PLUS_ONE_MS": 2.5})
def test_without_rows_time_proves_it_too() -> None:
    """Three repeats of a millisecond each are three milliseconds; two may be chance."""
    assert proved(None, 3)
    assert not proved(None, 2)


def test_rows_of_one_queryset_prove_it_from_the_second_on() -> None:
    """Two rows of one list that ask the same are a loop of two."""
    assert proved(asked("author"), 2)
    assert proved(asked("tags", "many_to_many"), 2)


def test_rows_with_one_target_are_a_loop_all_the_same() -> None:
    """A key's row is kept on the row that has it, so each read is another row."""
    assert proved(asked("author"), 5, identities=1)
    assert not proved(asked("tags", "many_to_many"), 5, identities=1)


@pytest.mark.parametrize("step", ["single", "join", "prefetch"])
def test_rows_that_were_reached_one_by_one_are_other_instances(step: str) -> None:
    """Each book's own instance of one author asks for that author's books."""
    author = Loaded(AUTHOR, None, step, "author", root())
    assert proved(asked("books", "reverse_many", AUTHOR, origin=author), 5, identities=1)


@pytest.mark.parametrize(
    ("told", "is_one"),
    [
        (asked("author", origin=root(several=False)), True),
        (asked("tags", "many_to_many", plain=True, origin=root(several=False)), True),
        (asked("tags", "many_to_many", origin=root(several=False)), False),
        (asked("author"), False),
        (asked("author", origin=root(several=False, times=2)), False),
        (
            asked("publisher", model=AUTHOR, origin=Loaded(AUTHOR, None, "single", "a", root())),
            False,
        ),
        (asked("author", origin=None), False),
        (None, False),
    ],
    ids=["key", "manager", "filter", "several", "evaluated twice", "deeper", "alone", "unknown"],
)
def test_one_read_off_a_list_of_one_row_is_a_loop_to_be(told: Asked | None, is_one: bool) -> None:
    """Of whatever else ran once nothing is known."""
    assert proved(told, 1) is is_one


def test_a_prefetch_for_one_row_needs_the_threshold() -> None:
    """Its rows are the same ones whose relation is prefetched."""
    with override_settings(PERFKIT={"N_PLUS_ONE_MS": 1_000.0}):
        assert not proved(asked("tags", "prefetch"), 4)
        assert proved(asked("tags", "prefetch"), 5)


def test_without_a_line_there_is_no_loop() -> None:
    """Nobody could act on it."""
    nowhere = Repeats(tuple(runs(9)), Path((), None))
    assert not is_proved(nowhere, get_settings())
    assert not is_proved(Repeats(tuple(runs(9)), None), get_settings())


def test_a_statement_of_the_orm_without_a_line_is_one() -> None:
    """Its relation tells what to do, wherever it was read."""
    nowhere = Repeats(tuple(runs(9)), Path((), asked("author")))
    assert is_proved(nowhere, get_settings())


# Which queryset, and which path from there?


def through(*steps: tuple[str, str, str], begin: Loaded | None = None) -> Loaded:
    """Make rows that were reached from a queryset by (step, name, model)."""
    node = begin or root()
    for step, name, model in steps:
        node = Loaded(model, LINE if step == "refined" else None, step, name, node)
    return node


@pytest.mark.parametrize("step", ["join", "prefetch", "single", "many"])
def test_a_path_leads_back_to_the_sites_own_queryset(step: str) -> None:
    """However the rows between were reached."""
    author = through((step, "author", AUTHOR))
    found = access(asked("publisher", model=AUTHOR, origin=author))
    assert (found.root, found.path) == (root(), "author__publisher")
    assert found.hops is not None
    assert [hop.name for hop in found.hops] == ["author", "publisher"]


def test_a_refined_manager_is_where_the_edit_goes() -> None:
    """`author.books.filter(...)`: what its rows need is loaded there."""
    books = through(("refined", "books", "library.Book"), begin=root(AUTHOR))
    found = access(asked("category", origin=books))
    assert (found.root, found.path) == (books, "category")


def test_a_queryset_of_an_unknown_line_is_no_root() -> None:
    """Nobody could edit it; the path is known all the same."""
    found = access(asked("author", origin=root(site=None)))
    assert (found.root, found.path) == (None, "author")
    lone = Loaded(AUTHOR, None, "refined", "", root())
    assert access(asked("publisher", model=AUTHOR, origin=lone)).root is None


def test_a_statement_without_a_row_has_neither() -> None:
    """`get()` by a key, or a cursor's statement."""
    by_key = Asked("", "", "queryset", False, None, AUTHOR, "get")
    assert (access(by_key).root, access(by_key).path, access(by_key).hops) == (None, "", None)
    assert (access(None).need, access(None).path) == ("other", "")


def test_a_fields_name_is_the_end_of_its_path_only() -> None:
    """The relations lead to the row; the field is no relation."""
    author = through(("join", "author", AUTHOR))
    found = access(asked("name", "deferred", AUTHOR, origin=author))
    assert (found.path, found.need) == ("author__name", "field")
    assert found.hops is not None
    assert [hop.name for hop in found.hops] == ["author"]


def test_a_path_through_a_prefetch_to_an_attribute() -> None:
    """The attribute is no relation; the rows that were seen behind it tell the model."""
    shelf = through(("prefetch", "shelf", "library.Book"), begin=root(AUTHOR))
    found = access(asked("category", origin=shelf))
    assert found.path == "shelf__category"
    assert found.hops is not None


# What is needed?


MANY = ("reverse_many", "many_to_many", "generic_many")


@pytest.mark.parametrize(
    ("kind", "facts", "need"),
    [
        ("forward", {}, "row"),
        ("forward", {"key_only": True}, "key"),
        ("forward", {"by_key": True}, "row"),
        ("forward", {"by_key": True, "lookups": (("name", "exact"),)}, "refined"),
        ("reverse_one", {}, "row"),
        ("reverse_one", {"by_key": True}, "row"),
        ("reverse_one", {"by_key": True, "lookups": (("motto", "exact"),)}, "refined"),
        ("generic", {}, "row"),
        ("deferred", {}, "field"),
        ("prefetch", {}, "prefetch"),
        ("model", {"method": "refresh_from_db"}, "refresh"),
        ("model", {"method": "save"}, "other"),
        ("raw", {"method": "raw"}, "other"),
        ("queryset", {"method": "get"}, "other"),
        ("", {}, "other"),
    ],
)
def test_the_need_of_a_single_row(kind: str, facts: dict[str, Any], need: str) -> None:
    """Of a key, a field, or nothing that is known."""
    assert need_of(asked("author", kind, **facts)) == need


@pytest.mark.parametrize("method", ["get", "first"])
def test_the_need_of_a_loop_over_keys(method: str) -> None:
    """No row is asked, so all can be fetched at once."""
    assert need_of(Asked("", "", "queryset", False, None, AUTHOR, method)) == "get"
    assert need_of(Asked("", "", "queryset", False, None, AUTHOR, "count")) == "other"


@pytest.mark.parametrize("kind", MANY)
@pytest.mark.parametrize(
    ("facts", "need"),
    [
        ({"plain": True}, "rows"),
        ({"plain": True, "prefetched": True}, "wasted"),
        ({"method": "count"}, "count"),
        ({"method": "exists"}, "exists"),
        ({"method": "exists", "refined": ("order_by",)}, "exists"),
        ({"method": "count", "refined": ("distinct",)}, "refined"),
        ({"method": "count", "lookups": (("a", "exact"),)}, "refined"),
        ({"method": "aggregate"}, "aggregate"),
        ({"method": "aggregate", "refined": ("slice[:3]",)}, "first"),
        ({"method": "first"}, "first"),
        ({"method": "last", "refined": ("order_by",)}, "first"),
        ({"method": "latest"}, "first"),
        ({"refined": ("order_by",)}, "first"),
        ({"refined": ("slice[:3]", "order_by")}, "first"),
        ({"refined": ("slice",)}, "refined"),
        ({"refined": ("values",)}, "values"),
        ({"refined": ("index",)}, "rows"),
        ({"refined": ("order_by", "index")}, "refined"),
        ({"method": "_iterator"}, "values"),
        ({"method": "_iterator", "refined": ("order_by",)}, "first"),
        ({"refined": ("order_by", "values")}, "first"),
        ({"refined": ("values", "distinct")}, "refined"),
        ({"refined": ("select_related",)}, "refined"),
        ({"lookups": (("a", "exact"),)}, "refined"),
        ({"method": "get"}, "refined"),
        ({"method": "contains"}, "rows"),
        ({"method": "contains", "refined": ("distinct",)}, "refined"),
        ({"method": "add"}, "refined"),
        ({"method": "create"}, "refined"),
    ],
    ids=str,
)
def test_the_need_of_many_rows(kind: str, facts: dict[str, Any], need: str) -> None:
    """Read whole, counted, tested, summed up, the first of them, their values, or refined."""
    assert need_of(asked("books", kind, AUTHOR, **facts)) == need


# Recursions.


def test_a_recursion_is_told_by_the_function_or_by_the_rows() -> None:
    """It calls itself, or the chain of rows had to be cut."""
    cut = through(("single", "mentor", AUTHOR), begin=root(AUTHOR, recursive=True))
    assert is_recursive(asked("pupils", "reverse_many", AUTHOR, recursive=True))
    assert is_recursive(asked("mentor", model=AUTHOR, origin=cut))
    assert not is_recursive(asked("mentor", model=AUTHOR))
    assert not is_recursive(None)


def test_a_recursions_path_is_one_step() -> None:
    """However many levels were walked."""
    deep = through(*[("single", "mentor", AUTHOR)] * 4, begin=root(AUTHOR, recursive=True))
    found = access(asked("mentor", model=AUTHOR, origin=deep))
    assert (found.path, found.need) == ("mentor", "recursive")


def test_one_line_that_reads_several_depths_walks_a_tree() -> None:
    """`row = row.mentor` in a loop; two reads on one line are told apart by their columns."""
    depths = [root(AUTHOR), through(("single", "mentor", AUTHOR), begin=root(AUTHOR))]
    paths = [
        Path(
            (LINE,),
            asked("mentor", model=AUTHOR, origin=origin, target=AUTHOR),
            column=column,
        )
        for origin, column in zip(depths * 2, (1, 1, 8, 9), strict=True)
    ]
    queries = [each for at in range(4) for each in runs(3, f"SELECT {at} FROM t", at)]
    found = read_loops(record_of(queries, *paths), get_settings())
    told = {each.repeats.path.column: (each.path, each.need) for each in found if each.repeats.path}
    assert told == {1: ("mentor", "recursive"), 8: ("mentor", "row"), 9: ("mentor__mentor", "row")}


def test_other_models_at_several_depths_are_no_tree() -> None:
    """A helper that is given rows of several querysets reads one relation off all of them."""
    author = through(("single", "author", AUTHOR))
    paths = [
        Path((LINE,), asked("publisher", model=AUTHOR, origin=origin, target="library.Publisher"))
        for origin in (root(AUTHOR), author)
    ]
    queries = [each for at in range(2) for each in runs(3, f"SELECT {at} FROM t", at)]
    found = read_loops(record_of(queries, *paths), get_settings())
    assert {(each.path, each.need) for each in found} == {
        ("publisher", "row"),
        ("author__publisher", "row"),
    }


# What a loop tells.


def loops(told: Asked | None, count: int = 6) -> list[Access]:
    """Return the loops of a record in which one path repeats a statement."""
    return read_loops(record_of(runs(count), Path((LINE,), told)), get_settings())


def test_loops_are_read_from_a_record() -> None:
    """Those that are proved and not silent; an upsert's reads belong to its writes."""
    assert [each.path for each in loops(asked("author"))] == ["author"]
    assert loops(asked("author", internal="validation")) == []
    assert loops(asked("tags", "many_to_many", method="get_or_create")) == []
    assert loops(None, count=2) == []
    assert read_loops(record_of(runs(9, path=None)), get_settings()) == []


def test_an_access_tells_its_lines() -> None:
    """The one to name, those further out, and the loop's."""
    inner, outer = Site("shop/models.py", 2, "Book.byline"), Site("shop/urls.py", 8, "serve")
    found = access(asked("author"), sites=(inner, LINE, outer), access=1, loop=LINE)
    assert (found.site, found.callers, found.loop, found.count) == (LINE, (outer,), LINE, 6)
    nowhere = Access(Repeats(tuple(runs(1)), None), None, (), None, "other")
    assert (nowhere.site, nowhere.callers, nowhere.loop, nowhere.asked) == (None, (), None, None)


def test_a_loop_further_out_than_the_rows_is_another_loop() -> None:
    """A loop over querysets, of a page or of a test, repeats none of this one's rows."""
    outer = Site("shop/urls.py", 8, "serve")
    where = {"sites": (LINE, outer), "access": 0}
    inside = access(asked("author"), **where, loop=LINE)
    outside = access(asked("author"), **where, loop=Site("shop/urls.py", 7, "serve"))
    assert (inside.loop, outside.loop) == (LINE, None)
    elsewhere = root(site=Site("shop/urls.py", 2, "serve"))
    handed_in = access(asked("author", origin=elsewhere), **where, loop=outer)
    assert handed_in.loop == outer
    unknown = access(None, **where, loop=outer)
    assert unknown.loop == outer
    by_framework = access(asked("author", by_framework=True), **where, loop=LINE)
    assert by_framework.loop is None


@pytest.mark.parametrize(
    ("told", "what"),
    [
        (asked("author"), "library.Book.author"),
        (Asked("", "", "queryset", False, None, AUTHOR, "get"), "library.Author.get()"),
        (Asked("", "", "queryset", False, None, AUTHOR, "__iter__"), AUTHOR),
        (Asked("", "", "", False, None), "t"),
        (None, "t"),
    ],
)
def test_what_is_read_is_named(told: Asked | None, what: str) -> None:
    """The attribute of the model, else the method, else the tables."""
    assert access(told).what == what


def test_a_statement_without_a_table_is_named_by_its_verb() -> None:
    """There is nothing else to say of it."""
    bare = Access(Repeats((query("SELECT %s"),), Path((LINE,), None)), None, (), None, "other")
    assert bare.what == "SELECT"


def test_a_part_is_an_access_in_numbers() -> None:
    """As a finding lists it."""
    part = access(asked("author")).part()
    assert (part.path, part.count, part.distinct, part.cost_ms) == ("author", 6, 6, 6.0)
    assert (part.access, part.callers) == (LINE, ())
    assert part.shape == "SELECT a FROM t WHERE b = ?"
