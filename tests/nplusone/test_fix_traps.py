"""The ten ways in which a fix itself can be wrong: what perfkit writes runs and keeps its promise (X01 to X10)."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import django.db.models
import pytest
from django.contrib.contenttypes.prefetch import GenericPrefetch
from django.core.exceptions import FieldError
from django.db import NotSupportedError, connection, transaction
from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQL
from django.db.models import Count, Prefetch, Sum
from django.test.utils import CaptureQueriesContext

from perfkit import record
from perfkit.record import Finding
from tests.nplusone import models as m
from tests.nplusone import must_not_flag_models as odd
from tests.nplusone.fill import ROWS
from tests.nplusone.must_not_flag_watch import told, watch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rows")]

Use = Callable[[Any], Any]

#: What a site's module imports where a fix is written.
NAMES = MappingProxyType(
    {name: getattr(django.db.models, name) for name in django.db.models.__all__}
    | {name: value for name, value in {**vars(odd), **vars(m)}.items() if isinstance(value, type)}
    | {"GenericPrefetch": GenericPrefetch}
)


@pytest.fixture(autouse=True)
def no_clocks(settings: Any) -> None:
    """Judge by counts: on a loaded machine three statements may well take 5 ms."""
    settings.PERFKIT = {"STORE": False, "N_PLUS_ONE_MS": 60_000, "SLOW_QUERY_MS": 60_000}


def edited(queryset: Any, fix: str) -> Any:
    """Return the queryset with a fix appended to it, or its rows after a call that takes them."""
    if fix.startswith("prefetch_related_objects(rows, "):
        rows = list(queryset)
        eval(fix, {**NAMES, "rows": rows})
        return rows
    return eval(f"queryset{fix}", {**NAMES, "queryset": queryset})


def walk(rows: Any, use: Use) -> list[Any]:
    """Use each row, in one loop; locks are allowed."""
    with transaction.atomic():
        return [use(row) for row in rows]


def spent(run: Callable[[], Any]) -> tuple[Any, int]:
    """Return what code gives and how many statements it runs, perfkit not looking."""
    with CaptureQueriesContext(connection) as log:
        result = run()
    return result, len(log)


def warned(run: Callable[[], Any]) -> Finding:
    """Return the one warning about a piece of code."""
    warnings = [f for f in watch(run, undo=False).findings if f.severity == "warning"]
    assert len(warnings) == 1, told(warnings) or "no warning"
    return warnings[0]


@dataclass(frozen=True)
class Trap:
    """A loop for which the obvious edit is wrong.

    Attributes:
        rows: the queryset.
        use: what is done with a row.
        naive: the obvious edit.
        error: what it raises; None where it only fails to help.
        fixable: whether there is code that helps; None where words will do as well.
    """

    rows: Callable[[], Any]
    use: Use
    naive: str
    error: type[Exception] | None
    fixable: bool | None = True


TRAPS = {
    "X01 only": Trap(
        lambda: m.Book.objects.only("title").order_by("pk"),
        lambda book: (book.title, book.author.name),
        '.select_related("author")',
        FieldError,
    ),
    "X01 only, the key kept": Trap(
        lambda: m.Book.objects.only("title", "author").order_by("pk"),
        lambda book: (book.title, book.author.name),
        '.only("title").select_related("author")',
        FieldError,
    ),
    "X01 defer": Trap(
        lambda: m.Book.objects.defer("author", "body").order_by("pk"),
        lambda book: (book.title, book.author.name),
        '.select_related("author")',
        FieldError,
    ),
    "X01 two steps": Trap(
        lambda: m.Patient.objects.only("surname").order_by("surname"),
        lambda patient: patient.summary(),
        '.select_related("gp__home")',
        FieldError,
    ),
    "X01 behind a join": Trap(
        lambda: (
            m.Book.objects.select_related("author").only("title", "author__name").order_by("pk")
        ),
        lambda book: (book.author.name, book.author.publisher.name),
        '.select_related("author__publisher")',
        FieldError,
    ),
    "X01 only and a manager": Trap(
        lambda: m.Book.objects.only("title").order_by("pk"),
        lambda book: (book.title, [tag.name for tag in book.tags.all()]),
        '.select_related("tags")',
        FieldError,
    ),
    "X01 a key that is a column elsewhere": Trap(
        lambda: m.Patient.objects.only("surname", "gp").order_by("surname"),
        lambda patient: patient.surgeon.full_name,
        '.select_related("surgeon")',
        FieldError,
    ),
    "X02 union": Trap(
        lambda: m.Book.objects.filter(price__lt=12).union(m.Book.objects.filter(price__gt=11)),
        lambda book: book.author.name,
        '.select_related("author")',
        NotSupportedError,
        fixable=None,
    ),
    "X02 union and a manager": Trap(
        lambda: m.Book.objects.filter(price__lt=12).union(m.Book.objects.filter(price__gt=11)),
        lambda book: [tag.name for tag in book.tags.all()],
        '.prefetch_related("tags")',
        NotSupportedError,
        fixable=None,
    ),
    "X02 difference": Trap(
        lambda: m.Book.objects.difference(m.Book.objects.filter(price__gt=99)),
        lambda book: book.author.name,
        '.prefetch_related("author")',
        NotSupportedError,
        fixable=None,
    ),
    "X02 raw": Trap(
        lambda: m.Book.objects.raw("SELECT * FROM corpus_book ORDER BY id"),
        lambda book: book.author.name,
        '.select_related("author")',
        AttributeError,
    ),
    "X02 raw and a manager": Trap(
        lambda: m.Book.objects.raw("SELECT * FROM corpus_book ORDER BY id"),
        lambda book: [tag.name for tag in book.tags.all()],
        '.select_related("tags")',
        AttributeError,
    ),
    "X02 raw without a column": Trap(
        lambda: m.Book.objects.raw("SELECT id, title FROM corpus_book ORDER BY id"),
        lambda book: book.body,
        '.only("title", "body")',
        AttributeError,
        fixable=False,
    ),
    "X02 sliced": Trap(
        lambda: m.Book.objects.order_by("pk")[:5],
        lambda book: book.author.name,
        '.filter(author__isnull=False).select_related("author")',
        TypeError,
    ),
    "X06 reverse": Trap(
        lambda: m.Author.objects.order_by("pk"),
        lambda author: [book.title for book in author.books.all()],
        '.select_related("books")',
        FieldError,
    ),
    "X06 reverse, by its name in lookups": Trap(
        lambda: m.Book.objects.order_by("pk"),
        lambda book: [review.text for review in book.review_set.all()],
        '.prefetch_related("review")',
        AttributeError,
    ),
    "X06 many-to-many": Trap(
        lambda: m.Patient.objects.order_by("pk"),
        lambda patient: [allergy.name for allergy in patient.reacts_to.all()],
        '.select_related("reacts_to")',
        FieldError,
    ),
    "X06 reverse many-to-many": Trap(
        lambda: m.Allergy.objects.order_by("pk"),
        lambda allergy: [patient.surname for patient in allergy.patient_set.all()],
        '.select_related("patient_set")',
        FieldError,
    ),
    "X06 generic key": Trap(
        lambda: m.Note.objects.order_by("pk"),
        lambda note: note.subject.title,
        '.select_related("subject")',
        FieldError,
    ),
    "X06 generic relation": Trap(
        lambda: m.Book.objects.order_by("pk"),
        lambda book: [note.text for note in book.notes.all()],
        '.select_related("notes")',
        FieldError,
    ),
    "X06 a manager behind a key": Trap(
        lambda: m.Book.objects.order_by("pk"),
        lambda book: [other.title for other in book.author.books.all()],
        '.select_related("author__books")',
        FieldError,
    ),
    "X06 a key behind a generic key": Trap(
        lambda: m.Note.objects.order_by("pk"),
        lambda note: note.subject.author.name,
        '.select_related("subject__author")',
        FieldError,
    ),
    "X06 keys behind a manager": Trap(
        lambda: m.Author.objects.order_by("pk"),
        lambda author: [(book.category.name, book.stock.copies) for book in author.books.all()],
        '.select_related("books__category")',
        FieldError,
    ),
    "X07 behind to_attr": Trap(
        lambda: m.Author.objects.prefetch_related(
            Prefetch("books", m.Book.objects.order_by("pk"), to_attr="shelf")
        ).order_by("pk"),
        lambda author: [book.category.name for book in author.shelf],
        '.prefetch_related("books__category")',
        None,
    ),
    "X07 a manager behind to_attr": Trap(
        lambda: m.Author.objects.prefetch_related(
            Prefetch("books", m.Book.objects.order_by("pk"), to_attr="shelf")
        ).order_by("pk"),
        lambda author: [[tag.name for tag in book.tags.all()] for book in author.shelf],
        '.select_related("shelf__tags")',
        FieldError,
    ),
    "X08 through managers": Trap(
        lambda: m.Publisher.objects.order_by("pk"),
        lambda publisher: [
            (author.name, [book.category.name for book in author.books.all()])
            for author in publisher.authors.all()
        ],
        '.select_related("authors__books__category")',
        FieldError,
    ),
    "X08 behind a prefetch": Trap(
        lambda: m.Author.objects.prefetch_related("books").order_by("pk"),
        lambda author: [book.category.name for book in author.books.all()],
        '.select_related("books__category")',
        FieldError,
    ),
    "X08 rows of one manager": Trap(
        lambda: m.Patient.objects.order_by("pk")[0].gp.patient_set.order_by("pk"),
        lambda patient: patient.bed_in.floor,
        '.select_related("gp__patient_set__bed_in")',
        FieldError,
    ),
}


def share_a_doctor() -> None:
    """Give the rows of one manager enough of them to warn of."""
    m.Patient.objects.update(gp=m.Doctor.objects.order_by("pk")[0])


@pytest.mark.parametrize("name", TRAPS)
def test_the_fix_runs_gives_the_same_and_saves_what_it_promises(name: str) -> None:
    """The obvious edit raises, or helps nothing; perfkit's does what it says, or there is none."""
    trap = TRAPS[name]
    if name == "X08 rows of one manager":
        share_a_doctor()
    before, statements = spent(lambda: walk(trap.rows(), trap.use))
    if trap.error is not None:
        with pytest.raises(trap.error):
            walk(edited(trap.rows(), trap.naive), trap.use)
    else:
        _, naive = spent(lambda: walk(edited(trap.rows(), trap.naive), trap.use))
        assert naive >= statements
    finding = warned(lambda: walk(trap.rows(), trap.use))
    assert finding.message
    if trap.fixable is not None:
        assert bool(finding.fix) is trap.fixable, told([finding])
    if not finding.fix:
        assert trap.naive not in finding.message
        return
    after, fewer = spent(lambda: walk(edited(trap.rows(), finding.fix), trap.use))
    assert after == before, told([finding])
    assert fewer == statements - finding.saved, told([finding])
    rest = watch(lambda: walk(edited(trap.rows(), finding.fix), trap.use), undo=False).findings
    assert not rest, f"{told([finding])}\nwith the fix:\n{told(rest)}"


def test_x01_a_prefetch_whose_rows_lack_their_key() -> None:
    """Django itself then loads the key of each row, within the prefetch: this is a loop too."""
    lacking = Prefetch("books", m.Book.objects.only("title"))
    finding = warned(lambda: list(m.Author.objects.prefetch_related(lacking).order_by("pk")))
    assert finding.count == ROWS
    assert "author" in finding.path + finding.message


def postgres_sql(queryset: Any) -> str:
    """Compile a queryset as PostgreSQL would be sent it; no server is asked."""
    server = PostgreSQL({**connection.settings_dict, "NAME": "none", "OPTIONS": {}}, "none")
    server.connection = object()  # so that it does not try to connect
    server.autocommit = False
    sql, _ = queryset.query.get_compiler(connection=server).as_sql()
    return str(sql)


@pytest.mark.parametrize("relation", ["editor", "parent", "stock"])
def test_x03_a_lock_never_meets_a_nullable_join(relation: str) -> None:
    """PostgreSQL refuses FOR UPDATE on the nullable side of a join."""

    def rows() -> Any:
        return m.Book.objects.select_for_update().order_by("pk")

    def use(book: m.Book) -> Any:
        found: Any = getattr(book, relation)
        return found and found.pk

    naive = postgres_sql(edited(rows(), f'.select_related("{relation}")'))
    assert "LEFT OUTER JOIN" in naive
    assert naive.endswith("FOR UPDATE")
    finding = warned(lambda: walk(rows(), use))
    assert relation in finding.fix
    sql = postgres_sql(edited(rows(), finding.fix))
    assert "FOR UPDATE" in sql
    assert "JOIN" not in sql or sql.endswith('FOR UPDATE OF "corpus_book"')
    before, statements = spent(lambda: walk(rows(), use))
    after, fewer = spent(lambda: walk(edited(rows(), finding.fix), use))
    assert after == before
    assert fewer == statements - finding.saved


def make_uneven() -> None:
    """Give each author another number of books, and books other numbers of everything."""
    authors = list(m.Author.objects.order_by("pk"))
    for number, author in enumerate(authors):
        for extra in range(number % 4):
            book = m.Book.objects.create(title="extra", author=author, editor=author, price=extra)
            book.tags.set(m.Tag.objects.all()[:extra])
            m.Review.objects.create(book=book, text="extra", stars=extra)
            m.Sale.objects.bulk_create([m.Sale(book=book, amount=extra)] * number)
    for number, patient in enumerate(m.Patient.objects.order_by("pk")):
        patient.reacts_to.set(m.Allergy.objects.all()[: number % 3])
        patient.visits.filter(paid=True).update(paid=bool(number % 2))
        patient.visits.all()[0].delete()


@dataclass(frozen=True)
class Figures:
    """A loop that asks for figures about each row.

    Attributes:
        rows: the queryset.
        use: returns the figures of a row, a tuple.
        naive: annotations that give other figures; ``""`` where there is no such trap.
    """

    rows: Callable[[], Any]
    use: Use
    naive: str = ""


FIGURES = {
    "X04 two counts": Figures(
        lambda: m.Book.objects.order_by("pk"),
        lambda book: (book.review_set.count(), book.tags.count()),
        '.annotate(a=Count("review"), b=Count("tags"))',
    ),
    "X04 three counts": Figures(
        lambda: m.Book.objects.order_by("pk"),
        lambda book: (book.sales.count(), book.tags.count(), book.notes.count()),
        '.annotate(a=Count("sales"), b=Count("tags"), c=Count("notes"))',
    ),
    "X04 a count beside an annotation": Figures(
        lambda: m.Book.objects.annotate(sold=Count("sales")).order_by("pk"),
        lambda book: (book.sold, book.tags.count()),
        '.annotate(a=Count("tags"))',
    ),
    "X04 a count beside a sum": Figures(
        lambda: m.Author.objects.annotate(worth=Sum("books__price")).order_by("pk"),
        lambda author: (author.worth, author.edited.count()),
        '.annotate(a=Count("edited"))',
    ),
    "X04 a count behind a filter of the same relation": Figures(
        lambda: m.Author.objects.filter(books__price__gt=10).order_by("pk"),
        lambda author: (author.books.count(),),
        '.annotate(a=Count("books"))',
    ),
    "X04 a count behind a filter of another relation": Figures(
        lambda: m.Author.objects.filter(books__tags__isnull=False).distinct().order_by("pk"),
        lambda author: (author.edited.count(),),
        '.annotate(a=Count("edited"))',
    ),
    "X04 a sum and a count": Figures(
        lambda: m.Author.objects.order_by("pk"),
        lambda author: (author.books.aggregate(s=Sum("price"))["s"], author.edited.count()),
        '.annotate(a=Sum("books__price"), b=Count("edited"))',
    ),
    "X04 two sums": Figures(
        lambda: m.Book.objects.order_by("pk"),
        lambda book: (
            book.sales.aggregate(s=Sum("amount"))["s"],
            book.review_set.aggregate(s=Sum("stars"))["s"],
        ),
        '.annotate(a=Sum("sales__amount"), b=Sum("review__stars"))',
    ),
    "X04 exists": Figures(
        lambda: m.Book.objects.order_by("pk"),
        lambda book: (book.sales.exists(), book.tags.exists()),
    ),
    "X04 a count and exists": Figures(
        lambda: m.Patient.objects.order_by("pk"),
        lambda patient: (patient.visits.count(), patient.reacts_to.exists()),
    ),
    "X04 a filtered count": Figures(
        lambda: m.Book.objects.order_by("pk"),
        lambda book: (book.review_set.filter(stars__gt=1).count(), book.tags.count()),
    ),
    "X04 a name in lookups of its own": Figures(
        lambda: m.Patient.objects.order_by("pk"),
        lambda patient: (patient.visits.count(), patient.reacts_to.count()),
    ),
    "X04 a slice": Figures(
        lambda: m.Author.objects.order_by("pk")[:5],
        lambda author: (author.books.count(), author.edited.count()),
        '.annotate(a=Count("books"), b=Count("edited"))',
    ),
    "X04 a reverse many-to-many count": Figures(
        lambda: m.Tag.objects.order_by("pk"), lambda tag: (tag.books.count(),)
    ),
    "X05 a property of the annotation's name": Figures(
        lambda: odd.CountedBook.objects.order_by("pk"),
        lambda book: (book.review_set.count(), book.tags.count()),
    ),
}


def annotated(fix: str) -> list[str]:
    """Return the names that a fix annotates."""
    return [
        word.arg
        for node in ast.walk(ast.parse(f"queryset{fix}"))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "annotate"
        for word in node.keywords
        if word.arg
    ]


@pytest.mark.parametrize("name", FIGURES)
def test_an_annotation_gives_the_figures_that_the_loop_asked_for(name: str) -> None:
    """Each figure is on its row, as it was; rows are the same and in the same order."""
    figures = FIGURES[name]
    make_uneven()
    before, statements = spent(lambda: walk(figures.rows(), figures.use))
    if figures.naive:
        wrong = walk(
            edited(figures.rows(), figures.naive),
            lambda row: tuple(getattr(row, n) for n in (*annotated(figures.naive),)),
        )
        lengths = len(wrong[0])
        assert wrong != [tuple(figure[-lengths:]) for figure in before], "the trap is none"
    finding = warned(lambda: walk(figures.rows(), figures.use))
    assert finding.message
    if not finding.fix:
        return
    names = annotated(finding.fix)
    if not names:  # counted in Python, on prefetched rows
        after, fewer = spent(lambda: walk(edited(figures.rows(), finding.fix), figures.use))
        assert after == before, told([finding])
        assert fewer == statements - finding.saved, told([finding])
        return
    rows, fewer = spent(lambda: list(edited(figures.rows(), finding.fix)))
    assert [row.pk for row in rows] == [row.pk for row in figures.rows()], told([finding])
    columns = list(zip(*before, strict=True))
    for annotation in names:
        assert tuple(getattr(row, annotation) for row in rows) in columns, told([finding])
    assert fewer <= statements - finding.saved, told([finding])


def test_x04_annotations_are_offered_at_all() -> None:
    """Where figures can be had in one statement, code says how."""
    lacking = []
    for name in ("X04 two counts", "X04 exists", "X04 a name in lookups of its own"):
        finding = warned(lambda figures=FIGURES[name]: walk(figures.rows(), figures.use))
        if len(annotated(finding.fix)) != 2:
            lacking.append(told([finding]))
    assert not lacking


def bound(fix: str, keys: list[Any]) -> Any:
    """Run an expression that replaces a loop's read; names that it leaves open are the keys."""
    names = {node.id for node in ast.walk(ast.parse(fix)) if isinstance(node, ast.Name)}
    return eval(fix, {**NAMES, **dict.fromkeys(names - set(NAMES), keys)})


@dataclass(frozen=True)
class Lookups:
    """A loop that gets one row for each key.

    Attributes:
        keys: what the loop goes over.
        get: returns the row of a key, or None.
        fixable: whether a dict of all rows can stand in.
    """

    keys: Callable[[], list[Any]]
    get: Use
    fixable: bool | None = True


def column(model: Any, name: str) -> Callable[[], list[Any]]:
    """Return what reads one column."""
    return lambda: list(model.objects.order_by("pk").values_list(name, flat=True))


LOOKUPS = {
    "pk": Lookups(column(m.Author, "pk"), lambda key: m.Author.objects.get(pk=key)),
    "uuid": Lookups(column(m.Doctor, "pk"), lambda key: m.Doctor.objects.get(id=key)),
    "slug": Lookups(column(m.Category, "slug"), lambda key: m.Category.objects.get(slug=key)),
    "unique": Lookups(column(m.Tag, "name"), lambda key: m.Tag.objects.get(name=key)),
    "licence": Lookups(
        column(m.Doctor, "licence"), lambda key: m.Doctor.objects.filter(licence=key).first()
    ),
    "not unique": Lookups(
        column(m.Label, "name"), lambda key: m.Label.objects.get(name=key), fixable=False
    ),
    "without case": Lookups(
        lambda: [name.upper() for name in column(m.Tag, "name")()],
        lambda key: m.Tag.objects.get(name__iexact=key),
        fixable=False,
    ),
    "two columns": Lookups(
        column(m.Tag, "name"), lambda key: m.Tag.objects.get(name=key, pk__gt=0), fixable=None
    ),
    "filtered before": Lookups(
        column(m.Book, "pk"),
        lambda key: m.Book.objects.filter(price__gt=12).filter(pk=key).first(),
        fixable=None,
    ),
    "excluded before": Lookups(
        column(m.Book, "pk"),
        lambda key: m.Book.objects.exclude(price=12).filter(pk=key).first(),
        fixable=None,
    ),
    "ordered, then first": Lookups(
        column(m.Label, "name"),
        lambda key: m.Label.objects.filter(name=key).order_by("-pk").first(),
        fixable=False,
    ),
}


@pytest.mark.parametrize("name", LOOKUPS)
def test_x05_a_dict_of_rows_is_what_the_loop_got(name: str) -> None:
    """``in_bulk`` needs a unique field and knows no filter; where it gives other rows it is not told."""
    lookups = LOOKUPS[name]
    keys = lookups.keys()
    before = [lookups.get(key) for key in keys]
    finding = warned(lambda: [lookups.get(key) for key in keys])
    assert finding.message
    if lookups.fixable is not None:
        assert bool(finding.fix) is lookups.fixable, told([finding])
    if finding.fix:
        rows, fewer = spent(lambda: bound(finding.fix, keys))
        assert [rows.get(key) for key in keys] == before, told([finding])
        assert fewer == len(keys) - finding.saved


FIRSTS: dict[str, tuple[Callable[[], Any], Use]] = {
    "first of a reverse key": (
        lambda: m.Book.objects.order_by("pk"),
        lambda book: book.review_set.order_by("-stars").first(),
    ),
    "a slice of a reverse key": (
        lambda: m.Book.objects.order_by("pk"),
        lambda book: book.review_set.order_by("pk")[:1],
    ),
    "a slice of a many-to-many relation": (
        lambda: m.Patient.objects.order_by("pk"),
        lambda patient: patient.reacts_to.order_by("-name")[:1],
    ),
    "filtered": (
        lambda: m.Patient.objects.order_by("pk"),
        lambda patient: patient.visits.filter(paid=True),
    ),
    "first of what is ordered by itself": (
        lambda: m.Patient.objects.order_by("pk"),
        lambda patient: patient.visits.first(),
    ),
    "first where nothing is ordered": (
        lambda: m.Author.objects.order_by("pk"),
        lambda author: author.books.first(),
    ),
    "a property of the attribute's name": (
        lambda: odd.CountedBook.objects.order_by("pk"),
        lambda book: book.review_set.first(),
    ),
    "on a prefetched manager": (
        lambda: m.Book.objects.prefetch_related("review_set").order_by("pk"),
        lambda book: book.review_set.order_by("-stars").first(),
    ),
    "filtered, on a prefetched manager": (
        lambda: m.Patient.objects.prefetch_related("visits").order_by("pk"),
        lambda patient: patient.visits.filter(paid=True),
    ),
}


def as_rows(found: Any) -> list[Any]:
    """Return rows of what may be one row, none or many."""
    if found is None:
        return []
    return [found] if isinstance(found, django.db.models.Model) else list(found)


@pytest.mark.parametrize("name", FIRSTS)
def test_x07_a_refined_relation_is_prefetched_to_an_attribute(name: str) -> None:
    """A slice without ``to_attr`` raises; with it each row bears what the loop asked for."""
    rows, use = FIRSTS[name]
    before, statements = spent(lambda: walk(rows(), lambda row: as_rows(use(row))))
    finding = warned(lambda: walk(rows(), lambda row: as_rows(use(row))))
    assert finding.message
    if not finding.fix:
        return
    made, fewer = spent(lambda: list(edited(rows(), finding.fix)))
    attributes = [
        word.value.value
        for node in ast.walk(ast.parse(f"queryset{finding.fix}"))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Prefetch"
        for word in node.keywords
        if word.arg == "to_attr" and isinstance(word.value, ast.Constant)
    ]
    assert len(attributes) == 1, told([finding])
    assert [list(getattr(row, str(attributes[0]))) for row in made] == before, told([finding])
    assert fewer <= statements - finding.saved, told([finding])


def test_x07_code_is_offered_at_all() -> None:
    """Where a prefetch to an attribute does it, code says how, and the naive form raises."""
    with pytest.raises(TypeError):
        list(
            m.Patient.objects.prefetch_related(
                Prefetch("reacts_to", m.Allergy.objects.order_by("name")[:1])
            )
        )
    lacking = []
    for name in ("first of a reverse key", "a slice of a many-to-many relation"):
        rows, use = FIRSTS[name]
        finding = warned(lambda rows=rows, use=use: walk(rows(), lambda row: as_rows(use(row))))
        if "to_attr" not in finding.fix:
            lacking.append(told([finding]))
    assert not lacking


def test_x08_the_fix_of_a_managers_rows_goes_to_its_own_line() -> None:
    """One author's books are the root when no loop led to that author."""
    m.Book.objects.update(author=m.Author.objects.order_by("pk")[0])

    def rows() -> Any:
        return m.Author.objects.order_by("pk")[0].books.order_by("pk")

    finding = warned(lambda: walk(rows(), lambda book: book.category.name))
    assert (finding.model, finding.path) == ("corpus.Book", "category")
    assert finding.fix == '.select_related("category")'


ONE: dict[str, Callable[[Any, int], Any]] = {
    "get": lambda queryset, key: queryset.get(pk=key),
    "first": lambda queryset, key: queryset.first(),
    "index": lambda queryset, key: queryset[0],
    "slice": lambda queryset, key: next(iter(queryset[:1])),
    "list": lambda queryset, key: list(queryset.filter(pk=key)).pop(),
}


@pytest.mark.parametrize("one", ONE)
@pytest.mark.parametrize("relation", ["books", "children"])
def test_x08_what_one_object_prefetched_is_mended_at_its_queryset(relation: str, one: str) -> None:
    """The rows behind a prefetch have no queryset at hand: a join of theirs would raise on the root's."""
    model = m.Author if relation == "books" else m.Book
    m.Book.objects.update(author=m.Author.objects.order_by("pk")[0])
    m.Book.objects.exclude(parent=None).update(parent=m.Book.objects.order_by("pk")[0])
    key = model.objects.order_by("pk")[0].pk

    def rows() -> Any:
        return model.objects.prefetch_related(relation).order_by("pk")

    def run(fix: str = "") -> list[str]:
        found = ONE[one](edited(rows(), fix), key)
        return [book.category.name for book in getattr(found, relation).all()]

    finding = warned(run)
    assert finding.model == model._meta.label, told([finding])
    assert finding.fix == f'.prefetch_related("{relation}__category")', told([finding])
    before, statements = spent(run)
    after, fewer = spent(lambda: run(finding.fix))
    assert after == before
    assert fewer == statements - finding.saved


def test_x09_few_targets_are_told() -> None:
    """Many rows that share few targets: a prefetch moves less, and is named beside the join."""
    few = list(m.Author.objects.order_by("pk")[:2])
    made = [m.Book(title=f"more {n}", author=few[n % 2]) for n in range(40)]
    m.Book.objects.bulk_create(made)

    def rows() -> Any:
        return m.Book.objects.filter(title__startswith="more").order_by("pk")

    finding = warned(lambda: walk(rows(), lambda book: book.author.name))
    (part,) = finding.parts
    assert (part.count, part.distinct) == (40, 2)
    assert "prefetch_related" in finding.fix + finding.message
    before, statements = spent(lambda: walk(rows(), lambda book: book.author.name))
    after, fewer = spent(lambda: walk(edited(rows(), finding.fix), lambda book: book.author.name))
    assert after == before
    assert fewer == statements - finding.saved


WASTED: dict[str, tuple[Callable[[], Any], Use]] = {
    "filtered": (
        lambda: m.Book.objects.prefetch_related("tags").order_by("pk"),
        lambda book: [tag.name for tag in book.tags.filter(name__gt="")],
    ),
    "first": (
        lambda: m.Author.objects.prefetch_related("books").order_by("pk"),
        lambda author: author.books.first(),
    ),
    "values": (
        lambda: m.Book.objects.prefetch_related("review_set").order_by("pk"),
        lambda book: list(book.review_set.values_list("text", flat=True)),
    ),
    "joined": (
        lambda: m.Author.objects.prefetch_related("books").order_by("pk"),
        lambda author: [book.category.name for book in author.books.select_related("category")],
    ),
    "further than the join": (
        lambda: m.Book.objects.select_related("author").order_by("pk"),
        lambda book: book.author.publisher.name,
    ),
    "further than the prefetch": (
        lambda: m.Author.objects.prefetch_related("books").order_by("pk"),
        lambda author: [[tag.name for tag in book.tags.all()] for book in author.books.all()],
    ),
}


@pytest.mark.parametrize("name", WASTED)
def test_x10_adding_and_removing_are_never_told_of_one_relation(name: str) -> None:
    """A relation that a finding is about is not counted as loaded for nothing, nor the reverse."""
    rows, use = WASTED[name]
    watched = watch(lambda: walk(rows(), use), undo=False)
    assert [finding.severity for finding in watched.findings] == ["warning"], told(watched.findings)
    (finding,) = watched.findings
    assert finding.kind != "unused_eager_load"
    unused = {load.path for load in watched.record.eager_loads if load.rows and not load.used}
    assert not unused & set(finding.path.split(", ")), told([finding])
    if finding.fix and "annotate" not in finding.fix and "to_attr" not in finding.fix:
        with record() as again:
            walk(edited(rows(), finding.fix), use)
        assert not again.findings, told(again.findings)
        assert [load for load in again.eager_loads if load.rows and not load.used] == []
