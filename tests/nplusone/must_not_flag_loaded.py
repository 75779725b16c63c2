"""Must stay silent: relations that were loaded along, or that cost no statement (N11 to N22, N36, N37)."""

# ruff: noqa: D103, PERF401  # the table at the end says what each function shows: loops, mostly

from __future__ import annotations

from functools import partial
from typing import Any

from django.db.models import Count, Exists, OuterRef, Prefetch, prefetch_related_objects
from django.template import Context, Template

from tests.nplusone.case import Case
from tests.nplusone.models import Agent, Author, Book, Note, Patient, Publisher, Review, Tag, Visit

#: The table's word for a case of this file; ``severity="info"``: the catalogue allows an info.
silent = partial(Case, kind="")


def n11() -> Any:
    books = Book.objects.prefetch_related("author__publisher", "editor__publisher").order_by("pk")
    return [(book.author.publisher.name, book.editor.publisher.name) for book in books]


def n11b() -> Any:
    books = Book.objects.prefetch_related(
        "author__publisher",
        "editor__publisher",
        "parent__author__publisher",
        "parent__editor__publisher",
        "parent__parent__author__publisher",
        "parent__parent__editor__publisher",
    )
    return [
        (book.editor.publisher.name, book.parent and book.parent.editor.publisher.name)
        for book in books.order_by("pk")
    ]


def n13() -> Any:
    shelf = Prefetch("books", Book.objects.filter(price__gt=11), to_attr="shelf")
    authors = Author.objects.prefetch_related(shelf).order_by("pk")
    return [[book.title for book in author.shelf] for author in authors]


def n13b() -> Any:
    latest = Prefetch("visits", Visit.objects.order_by("-day")[:1], to_attr="latest")
    patients = Patient.objects.prefetch_related(latest).order_by("pk")
    return [[visit.fee for visit in patient.latest] for patient in patients]


def n13c() -> Any:
    shelf = Prefetch("books", Book.objects.select_related("category"), to_attr="shelf")
    authors = Author.objects.prefetch_related(shelf, "shelf__tags").order_by("pk")
    return [[(b.category.name, len(b.tags.all())) for b in author.shelf] for author in authors]


def n14() -> Any:
    found: list[Any] = []
    for book in Book.objects.prefetch_related("tags", "review_set").order_by("pk"):
        tags = book.tags
        found += [len(tags.all()), tags.count(), tags.exists(), bool(tags.all())]
        found += [tags.all()[0].name, tags.all().count(), tags.contains(tags.all()[0])]
        found += [review.stars for review in book.review_set.all()]
        found += [book.review_set.count(), book.reviewed()]
    return found


def n14b() -> Any:
    books = Book.objects.select_related("author__publisher", "category", "stock").prefetch_related(
        "tags", Prefetch("review_set", Review.objects.order_by("-stars"))
    )
    books = books.annotate(
        sold=Count("sales", distinct=True),
        noted=Exists(Note.objects.filter(object_id=OuterRef("pk"))),
    )
    template = Template(
        "{% for b in books %}{{ b.title }} {{ b.byline }} {{ b.author.publisher.name }} {{ b.sold }}"
        "{{ b.category.name }} {{ b.stock.copies }} {{ b.noted }} {{ b.reviewed }}"
        "{% for t in b.tags.all %}{{ t.name }}{% endfor %}"
        "{% for r in b.review_set.all %}{{ r.text }}{% endfor %}{% endfor %}"
    )
    return template.render(Context({"books": books.order_by("pk")}))


def n15() -> Any:
    author = Author.objects.get(name="author 1")
    return [book.author.name for book in author.books.all()]


def n15b() -> Any:
    found = []
    for author in Author.objects.prefetch_related("books").order_by("pk"):
        found += [book.author.name for book in author.books.all()]
    return found


def n15c() -> Any:
    authors = Author.objects.select_related("profile").order_by("pk")
    return [author.profile.author.name for author in authors]


def n15d() -> Any:
    patient = Patient.objects.get(surname="surname 2")
    return [visit.who.surname for visit in patient.visits.filter(fee__gt=0).order_by("day")]


def n15e() -> Any:
    publisher = Publisher.objects.prefetch_related("authors__books").first()
    assert publisher is not None
    return [b.author.publisher.name for a in publisher.authors.all() for b in a.books.all()]


def n16() -> Any:
    books = Book.objects.order_by("pk")
    return [[book.title for book in books] for _ in range(6)]


def n16b() -> Any:
    books = Book.objects.select_related("author").order_by("pk")
    if not books:
        return []
    return [len(books), [book.author.name for book in books], books.count(), books.exists()]


def n17() -> Any:
    books = Book.objects.prefetch_related("author__publisher", "category").order_by("pk")
    return [(book.author.publisher.name, book.category.slug) for book in books]


def n17b() -> Any:
    patients = list(Patient.objects.order_by("pk"))
    prefetch_related_objects(patients, "gp__home", "visits")
    return [(patient.summary(), len(patient.visits.all())) for patient in patients]


def _no_keys() -> None:
    Book.objects.update(editor=None, category=None, parent=None)
    Note.objects.update(content_type=None, object_id=None)
    Patient.objects.update(surgeon=None, mother=None)


def n18() -> Any:
    return [(b.editor, b.category, b.parent) for b in Book.objects.order_by("pk")]


def n18b() -> Any:
    return [note.subject for note in Note.objects.order_by("pk")]


def n18c() -> Any:
    return [patient.surgeon or patient.mother for patient in Patient.objects.order_by("pk")]


def n18d() -> Any:
    return [hasattr(author, "agent") for author in Author.objects.select_related("agent")]


def _no_books() -> None:
    Agent.objects.all().delete()
    Book.objects.all().delete()


def n19() -> Any:
    books = Book.objects.select_related("author").prefetch_related("tags", "review_set__book")
    return [(book.author.name, len(book.tags.all())) for book in books]


def n19b() -> Any:
    authors = Author.objects.select_related("agent").prefetch_related("books__tags").order_by("pk")
    return [[len(book.tags.all()) for book in author.books.all()] for author in authors]


def n20() -> Any:
    found = []
    for book in Book.objects.select_related("editor", "category").prefetch_related("tags"):
        if book.price > 99:
            found.append((book.editor.name, book.category.name, len(book.tags.all())))
    return found


def n20b() -> Any:
    books = Book.objects.select_related("parent__parent").order_by("pk")
    return [b.parent.parent.title for b in books if b.parent and b.parent.parent]


def n22() -> Any:
    authors = Author.objects.in_bulk()
    found = []
    for book in Book.objects.order_by("pk"):
        book.author = authors[book.author_id]
        found.append(book.author.name)
    return found


def n22b() -> Any:
    author = Author.objects.get(name="author 3")
    books = [Book(title=f"draft {number}", author=author) for number in range(6)]
    return [book.byline for book in books]


def n22c() -> Any:
    books = list(Book.objects.order_by("pk"))
    tags = list(Tag.objects.order_by("pk"))
    for book in books:
        book._prefetched_objects_cache = {"tags": tags}
    return [[tag.name for tag in book.tags.all()] for book in books]


def n36() -> Any:
    rows = Book.objects.order_by("pk").values("title", "author_id", "author__publisher__name")
    return [(row["title"], row["author_id"], row["author__publisher__name"]) for row in rows]


def n36b() -> Any:
    flat = list(Patient.objects.order_by("pk").values_list("gp__home__floor", flat=True))
    named = Visit.objects.order_by("pk").values_list("day", "who__surname", named=True)
    return [*flat, *((row.day, row.who__surname) for row in named)]


def n36c() -> Any:
    return [b.author_id for b in Book.objects.order_by("pk")]


def n37() -> Any:
    return [book.author.name for book in Book.objects.order_by("pk")[:3]]


def n37b() -> Any:
    found = []
    for author in Author.objects.order_by("pk")[:3]:
        found.append([book.title for book in author.books.all()])
    return found


CASES: tuple[Case, ...] = (
    silent("N11", "two prefetches that lead to one table", n11),
    silent("N11b", "six prefetches that lead to one table", n11b),
    silent("N13", "a list made by Prefetch(to_attr=)", n13),
    silent("N13b", "a sliced Prefetch(to_attr=)", n13b),
    silent("N13c", "prefetched further through to_attr", n13c),
    silent("N14", "all that a prefetched manager answers by itself", n14),
    silent("N14b", "a well-made page: joins, prefetches, annotations, a template", n14b),
    silent("N15", "the row that a manager belongs to, read from its rows", n15),
    silent("N15b", "the same behind a prefetch", n15b),
    silent("N15c", "both ends of a joined one-to-one relation", n15c),
    silent("N15d", "the same of a filtered and ordered manager", n15d),
    silent("N15e", "the same two levels deep", n15e),
    silent("N16", "a queryset walked over six times", n16),
    silent("N16b", "bool, len, a loop, count and exists of one queryset", n16b),
    silent("N17", "prefetch_related where a join fits", n17),
    silent("N17b", "prefetch_related_objects with the whole list", n17b),
    silent("N18", "null keys", n18, prepare=_no_keys),
    silent("N18b", "null generic keys", n18b, prepare=_no_keys),
    silent("N18c", "null keys to a slug and to the same model", n18c, prepare=_no_keys),
    silent("N18d", "a joined one-to-one row that is missing", n18d),
    silent("N19", "eager loading of no rows", n19, prepare=_no_books),
    silent("N19b", "rows, but none behind their relations", n19b, prepare=_no_books),
    silent("N20", "eager loading read in a branch not taken", n20),
    silent("N20b", "a sparse key joined twice", n20b),
    silent("N22", "relations assigned in memory", n22),
    silent("N22b", "unsaved rows with an assigned relation", n22b),
    silent("N22c", "a prefetch done by hand", n22c),
    silent("N36", "values() with joined columns", n36),
    silent("N36b", "values_list(), flat and named", n36b),
    silent("N36c", "the key's own column", n36c),
    silent("N37", "a loop over three rows", n37, severity="info"),
    silent("N37b", "three managers", n37b, severity="info"),
)
