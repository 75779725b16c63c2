"""Must be flagged: fields read one row at a time, or a whole row for its key (S16 to S18, S59)."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

from typing import Any

from tests.nplusone.case import Case, maker
from tests.nplusone.models import Book, Patient, Profile, Visit


def s16() -> Any:
    return [b.body for b in Book.objects.only("title").order_by("pk")]  # S16 access; S16 origin


def s16_fixed() -> Any:
    return [b.body for b in Book.objects.only("title").order_by("pk").only("body", "title")]


def s16b() -> Any:
    return [b.body for b in Book.objects.defer("body").order_by("pk")]  # S16b access; S16b origin


def s16b_fixed() -> Any:
    return [b.body for b in Book.objects.defer("body").order_by("pk").defer(None)]


def s16c() -> Any:
    found = []
    for patient in Patient.objects.defer("chart", "photo").order_by("pk"):  # S16c origin
        lines = patient.chart.splitlines()  # S16c access
        found.append((patient.surname, lines))
    return found


def s16c_fixed() -> Any:
    found = []
    patients = Patient.objects.defer("chart", "photo").order_by("pk")
    for patient in patients.defer(None).defer("photo"):
        lines = patient.chart.splitlines()
        found.append((patient.surname, lines))
    return found


def s16d() -> Any:
    found = []
    for book in Book.objects.only("price").order_by("pk"):  # S16d origin
        found.append(book.title)
        found.append(book.body)
    return found


def s16d_fixed() -> Any:
    found = []
    for book in Book.objects.only("price").order_by("pk").only("body", "price", "title"):
        found.append(book.title)
        found.append(book.body)
    return found


def s16e() -> Any:
    found = []
    for book in Book.objects.only("title").order_by("pk"):  # S16e origin
        key = book.category_id  # S16e access
        found.append((book.title, key))
    return found


def s16e_fixed() -> Any:
    found = []
    for book in Book.objects.only("title").order_by("pk").only("category", "title"):
        key = book.category_id
        found.append((book.title, key))
    return found


def s16g() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S16g origin
        texts = [review.text for review in book.review_set.only("text")]
        found.append(texts)
    return found


def s16f() -> Any:
    found = []
    for book in Book.objects.only("title").order_by("pk"):  # S16f origin
        author = book.author
        found.append((book.title, author.name))
    return found


def s16f_fixed() -> Any:
    found = []
    books = Book.objects.only("title").order_by("pk")
    for book in books.only("author", "title").select_related("author"):
        author = book.author
        found.append((book.title, author.name))
    return found


def s17() -> Any:
    books = Book.objects.select_related("author").only("author__id").order_by("pk")
    return [book.author.name for book in books]  # S17 access; S17 origin


def s17_fixed() -> Any:
    books = Book.objects.select_related("author").only("author__id").order_by("pk")
    return [book.author.name for book in books.only("author__id", "author__name")]


def s17b() -> Any:
    found = []
    visits = Visit.objects.select_related("who__gp").defer("who__gp__full_name", "who__chart")
    for visit in visits:  # S17b origin
        name = visit.who.gp.full_name  # S17b access
        found.append(name)
    return found


def s17b_fixed() -> Any:
    found = []
    visits = Visit.objects.select_related("who__gp").defer("who__gp__full_name", "who__chart")
    for visit in visits.defer(None).defer("who__chart"):
        name = visit.who.gp.full_name
        found.append(name)
    return found


def s18() -> Any:
    first = Book.objects.get(title="title 0")
    found = [first.body]
    for book in Book.objects.only("title").order_by("pk"):  # S18 origin
        body = book.body  # S18 access
        found.append(body)
    return found


def s18_fixed() -> Any:
    first = Book.objects.get(title="title 0")
    found = [first.body]
    for book in Book.objects.only("title").order_by("pk").only("body", "title"):
        body = book.body
        found.append(body)
    return found


def s59() -> Any:
    return [book.author.pk for book in Book.objects.order_by("pk")]  # S59 access; S59 origin


def s59_fixed() -> Any:
    return [book.author_id for book in Book.objects.order_by("pk")]


def s59c() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S59c origin
        known = {
            "id": book.author.id,  # S59c access
            "name": book.author.name,
        }
        found.append(known)
    return found


def s59c_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").select_related("author"):
        known = {
            "id": book.author.id,
            "name": book.author.name,
        }
        found.append(known)
    return found


def s59d() -> Any:
    return [profile.author.pk for profile in _mottoes()]  # S59d access


def _mottoes() -> list[Profile]:
    profiles = list(Profile.objects.order_by("pk"))  # S59d origin
    assert all(profile.motto for profile in profiles)
    return profiles


def s59d_fixed() -> Any:
    return [profile.author_id for profile in _mottoes()]


def s59b() -> Any:
    found = set()
    for profile in Profile.objects.order_by("pk"):  # S59b origin
        found.add(profile.author.id)  # S59b access
        found.add(profile.motto)
    return found


def s59b_fixed() -> Any:
    found = set()
    for profile in Profile.objects.order_by("pk"):
        found.add(profile.author_id)
        found.add(profile.motto)
    return found


on = maker(globals(), kind="deferred_load", saved=6)

CASES: tuple[Case, ...] = (
    on(
        "S16",
        "a field that only() left out",
        model="corpus.Book",
        path="body",
        fix='.only("body", "title")',
    ),
    on(
        "S16b",
        "the field that defer() left out",
        model="corpus.Book",
        path="body",
        fix=".defer(None)",
    ),
    on(
        "S16c",
        "one of two deferred fields",
        model="corpus.Patient",
        path="chart",
        fix='.defer(None).defer("photo")',
    ),
    on(
        "S16d",
        "two fields that only() left out",
        model="corpus.Book",
        path="body, title",
        fix='.only("body", "price", "title")',
        access=None,
        saved=12,
    ),
    on(
        "S16e",
        "a key's column that only() left out: no row of the other table is read",
        model="corpus.Book",
        path="category",
        fix='.only("category", "title")',
    ),
    on(
        "S16f",
        "a deferred key and the row behind it",
        kind="n_plus_one",
        model="corpus.Book",
        path="author",
        fix='.only("author", "title").select_related("author")',
        access=None,
        saved=12,
        note="The select_related() alone raises FieldError: deferred and traversed.",
    ),
    on(
        "S17",
        "a joined row's field that only() left out",
        model="corpus.Book",
        path="author__name",
        fix='.only("author__id", "author__name")',
    ),
    on(
        "S17b",
        "a deferred field two joins away",
        model="corpus.Visit",
        path="who__gp__full_name",
        fix='.defer(None).defer("who__chart")',
        saved=12,
    ),
    on(
        "S18",
        "a deferred field, one of the rows having been read whole before",
        model="corpus.Book",
        path="body",
        fix='.only("body", "title")',
    ),
    on(
        "S59",
        "a row read for its key only",
        kind="n_plus_one",
        model="corpus.Book",
        path="author",
        fix="",
        says=("author_id",),
    ),
    on(
        "S59b",
        "the same by id, one-to-one",
        kind="n_plus_one",
        model="corpus.Profile",
        path="author",
        fix="",
        says=("author_id",),
    ),
    on(
        "S59c",
        "the key is read first, and then more of the row",
        kind="n_plus_one",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
    ),
    on(
        "S59d",
        "only the key, of rows loaded elsewhere",
        kind="n_plus_one",
        model="corpus.Profile",
        path="author",
        says=("author_id",),
    ),
    on(
        "S16g",
        "only() on a relation leaves out the key that ties its rows to the row they came from",
        kind="n_plus_one",
        model="corpus.Book",
        path=None,
        access=None,
        saved=5,
        also=("deferred_load",),
        note="Django reads the left-out key of each row for itself: 12 statements more.",
    ),
)
