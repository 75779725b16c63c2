"""Must be flagged: relations to one row, read one by one (S01 to S08, S60)."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from tests.nplusone.case import Case, eager, maker
from tests.nplusone.models import (
    Agent,
    Author,
    Badge,
    Book,
    Doctor,
    Edition,
    Patient,
    Place,
    Profile,
    Review,
)


def s01() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S01 origin
        author = book.author  # S01 access
        found.append((book.title, author.name))
    return found


def s01_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").select_related("author"):
        author = book.author
        found.append((book.title, author.name))
    return found


def s01b() -> Any:
    return [p.gp.full_name for p in Patient.objects.order_by("surname")]  # S01b access; S01b origin


def s01b_fixed() -> Any:
    return [p.gp.full_name for p in Patient.objects.order_by("surname").select_related("gp")]


def _author_name(book: Book) -> str:
    return book.author.name  # S01c access


def s01c() -> Any:
    books = Book.objects.order_by("pk")
    return [b.title for b in sorted(books, key=_author_name)]  # S01c origin


def s01c_fixed() -> Any:
    books = Book.objects.order_by("pk").select_related("author")
    return [b.title for b in sorted(books, key=_author_name)]


def _loaded(books: QuerySet[Book]) -> list[Book]:
    return list(books)  # S01d origin


def s01d() -> Any:
    books = _loaded(Book.objects.filter(price__gt=0).order_by("pk"))
    total = 0
    for book in books:  # S01d loop
        if book.price > 10:
            total += len(book.author.name)  # S01d access
    return total


def s01d_fixed() -> Any:
    books = _loaded(Book.objects.filter(price__gt=0).order_by("pk").select_related("author"))
    total = 0
    for book in books:
        if book.price > 10:
            total += len(book.author.name)
    return total


def s01e() -> Any:
    books = Book.objects.order_by("pk")
    found, number = [], 0
    while number < len(books):  # S01e origin
        book = books[number]
        found.append(book.author.name)  # S01e access
        number += 1
    return found


def s01e_fixed() -> Any:
    books = Book.objects.order_by("pk").select_related("author")
    found, number = [], 0
    while number < len(books):
        book = books[number]
        found.append(book.author.name)
        number += 1
    return found


def s02() -> Any:
    found = []
    for book in Book.objects.order_by("pk").iterator(chunk_size=2):  # S02 origin
        author = book.author  # S02 access
        found.append(author.name)
    return found


def s02_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").select_related("author").iterator(chunk_size=2):
        author = book.author
        found.append(author.name)
    return found


def s03() -> Any:
    return [b.editor.name for b in Book.objects.order_by("pk")]  # S03 access; S03 origin


def s03_fixed() -> Any:
    return [b.editor.name for b in Book.objects.order_by("pk").select_related("editor")]


def s03b() -> Any:
    found = []
    for patient in Patient.objects.order_by("pk"):  # S03b origin
        found.append(patient.gp.full_name)
        found.append(patient.surgeon.full_name)  # S03b access
    return found


def s03b_fixed() -> Any:
    found = []
    for patient in Patient.objects.order_by("pk").select_related("gp", "surgeon"):
        found.append(patient.gp.full_name)
        found.append(patient.surgeon.full_name)
    return found


def s04() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S04 origin
        parent = book.parent  # S04 access
        found.append(parent.title if parent else "")
    return found


def s04_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").select_related("parent"):
        parent = book.parent
        found.append(parent.title if parent else "")
    return found


def s04b() -> Any:
    found = {}
    for patient in Patient.objects.exclude(mother=None):  # S04b origin
        mother = patient.mother  # S04b access
        found[patient.pk] = mother.surname
    return found


def s04b_fixed() -> Any:
    found = {}
    for patient in Patient.objects.exclude(mother=None).select_related("mother"):
        mother = patient.mother
        found[patient.pk] = mother.surname
    return found


def s05() -> Any:
    return [b.category.name for b in Book.objects.order_by("pk")]  # S05 access; S05 origin


def s05_fixed() -> Any:
    return [b.category.name for b in Book.objects.order_by("pk").select_related("category")]


def s05b() -> Any:
    return [a.imprint.name for a in Author.objects.order_by("pk")]  # S05b access; S05b origin


def s05b_fixed() -> Any:
    return [a.imprint.name for a in Author.objects.order_by("pk").select_related("imprint")]


def s05c() -> Any:
    return [a.country.name for a in Author.objects.order_by("pk")]  # S05c access; S05c origin


def s05c_fixed() -> Any:
    return [a.country.name for a in Author.objects.order_by("pk").select_related("country")]


def s05d() -> Any:
    return [p.surgeon.home_id for p in Patient.objects.order_by("pk")]  # S05d access; S05d origin


def s05d_fixed() -> Any:
    return [p.surgeon.home_id for p in Patient.objects.order_by("pk").select_related("surgeon")]


def s06() -> Any:
    return [p.author.name for p in Profile.objects.order_by("pk")]  # S06 access; S06 origin


def s06_fixed() -> Any:
    return [p.author.name for p in Profile.objects.order_by("pk").select_related("author")]


def s06b() -> Any:
    return [b.holder.full_name for b in Badge.objects.order_by("pk")]  # S06b access; S06b origin


def s06b_fixed() -> Any:
    return [b.holder.full_name for b in Badge.objects.order_by("pk").select_related("holder")]


def s07() -> Any:
    return [a.profile.motto for a in Author.objects.order_by("pk")]  # S07 access; S07 origin


def s07_fixed() -> Any:
    return [a.profile.motto for a in Author.objects.order_by("pk").select_related("profile")]


def s07b() -> Any:
    return [d.badge.color for d in Doctor.objects.order_by("pk")]  # S07b access; S07b origin


def s07b_fixed() -> Any:
    return [d.badge.color for d in Doctor.objects.order_by("pk").select_related("badge")]


def s07c() -> Any:
    return [p.cafe.seats for p in Place.objects.order_by("pk")]  # S07c access; S07c origin


def s07c_fixed() -> Any:
    return [p.cafe.seats for p in Place.objects.order_by("pk").select_related("cafe")]


def s08() -> Any:
    return [hasattr(a, "agent") for a in Author.objects.order_by("pk")]  # S08 access; S08 origin


def s08_fixed() -> Any:
    return [hasattr(a, "agent") for a in Author.objects.order_by("pk").select_related("agent")]


def s08b() -> Any:
    found = []
    Agent.objects.all().delete()
    for author in Author.objects.order_by("pk"):  # S08b origin
        try:
            found.append(author.agent.name)  # S08b access
        except Agent.DoesNotExist:
            found.append("none")
    return found


def s08b_fixed() -> Any:
    found = []
    Agent.objects.all().delete()
    for author in Author.objects.order_by("pk").select_related("agent"):
        try:
            found.append(author.agent.name)
        except Agent.DoesNotExist:
            found.append("none")
    return found


def s60() -> Any:
    found = []
    for book in Book.objects.filter(title="title 0"):  # S60 origin
        author = book.author  # S60 access
        found.append(author.name)
    return found


def s60_fixed() -> Any:
    found = []
    for book in Book.objects.filter(title="title 0").select_related("author"):
        author = book.author
        found.append(author.name)
    return found


def s60b() -> Any:
    found = []
    for doctor in Doctor.objects.filter(licence="L1"):  # S60b origin
        patients = list(doctor.patient_set.all())  # S60b access
        found.append(len(patients))
    return found


def s60c() -> Any:
    found = []
    for review in Review.objects.filter(stars=2, text__lt="review 3"):  # S60c origin
        book = review.book  # S60c access
        found.append(book.title)
    return found


def s60c_fixed() -> Any:
    found = []
    for review in Review.objects.filter(stars=2, text__lt="review 3").select_related("book"):
        book = review.book
        found.append(book.title)
    return found


def s60d() -> Any:
    found = []
    for edition in Edition.objects.filter(book__price__lt=12):  # S60d origin
        book = edition.book  # S60d access
        found.append(book.title)
    return found


def s60d_fixed() -> Any:
    found = []
    for edition in Edition.objects.filter(book__price__lt=12).select_related("book"):
        book = edition.book
        found.append(book.title)
    return found


on = maker(globals(), kind="n_plus_one")
join = eager(on, "select_related", saved=6)

CASES: tuple[Case, ...] = (
    join("S01", "foreign key in a loop", "Book", "author"),
    join("S01b", "foreign key in a comprehension, UUID keys", "Patient", "gp"),
    join("S01c", "foreign key in a sort key: sorted() loops", "Book", "author"),
    join(
        "S01d",
        "evaluated by one function, looped over by another, read on some rows only",
        "Book",
        "author",
        saved=5,
        callers=("S01d loop",),
    ),
    join("S01e", "while loop over indexes of an evaluated queryset", "Book", "author"),
    join("S02", "foreign key of rows from iterator()", "Book", "author"),
    join("S03", "the second of two keys to one table", "Book", "editor"),
    join(
        "S03b", "both of two keys to one table", "Patient", "gp", "surgeon", saved=12, access=None
    ),
    join("S04", "key to the same table, often null", "Book", "parent", saved=5),
    join("S04b", "key to the same table, never null here", "Patient", "mother", saved=5),
    join("S05", "key to a slug", "Book", "category"),
    join("S05b", "key to a UUID", "Author", "imprint"),
    join("S05c", "key to a unique column", "Author", "country"),
    join("S05d", "key to a unique column, in a model with UUID keys", "Patient", "surgeon"),
    join("S06", "one-to-one key", "Profile", "author"),
    join("S06b", "one-to-one key that is the primary key", "Badge", "holder"),
    join("S07", "one-to-one relation from its other side", "Author", "profile"),
    join("S07b", "the same without related_name", "Doctor", "badge"),
    join("S07c", "the child row of a multi-table parent", "Place", "cafe"),
    join("S08", "hasattr() on a one-to-one relation, half of the rows missing", "Author", "agent"),
    join("S08b", "a one-to-one relation with all rows missing", "Author", "agent"),
    join("S60", "one row only, relation read", "Book", "author", severity="info", saved=1),
    on(
        "S60b",
        "one row only, many-valued relation read: nothing to save yet",
        model="corpus.Doctor",
        path="patient_set",
        severity="info",
    ),
    join("S60c", "three rows", "Review", "book", severity="info", saved=3),
    join("S60d", "four rows of two books", "Edition", "book", severity="info", saved=4),
)
