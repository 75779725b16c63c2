"""Must be flagged: rows looked up one by one, by key or by hand (S24 to S27)."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

from typing import Any

from tests.nplusone.case import Case, maker
from tests.nplusone.models import (
    Author,
    Book,
    Doctor,
    Patient,
    Publisher,
    Tag,
)


def _pks() -> list[int]:
    return list(Author.objects.order_by("pk").values_list("pk", flat=True))


def s24() -> Any:
    pks, found = _pks(), []
    for pk in pks:  # S24 loop
        author = Author.objects.get(pk=pk)  # S24 access
        found.append(author.name)
    return found


def s24_fixed() -> Any:
    pks, found = _pks(), []
    authors = Author.objects.in_bulk(pks)
    for pk in pks:
        author = authors[pk]
        found.append(author.name)
    return found


def s24b() -> Any:
    pks = [f"00000000-0000-0000-0000-00000000000{number}" for number in range(6)]
    return [Doctor.objects.get(id=pk).full_name for pk in pks]  # S24b access


def s24b_fixed() -> Any:
    pks = [f"00000000-0000-0000-0000-00000000000{number}" for number in range(6)]
    doctors = Doctor.objects.in_bulk(pks)
    return [doctor.full_name for doctor in doctors.values()]


def s24c() -> Any:
    rows, found = Book.objects.order_by("pk").values("title", "author_id"), []
    for row in rows:
        author = Author.objects.get(pk=row["author_id"])  # S24c access
        found.append((row["title"], author.name))
    return found


def s24c_fixed() -> Any:
    rows, found = Book.objects.order_by("pk").values("title", "author_id"), []
    pks = [row["author_id"] for row in rows]
    authors = Author.objects.in_bulk(pks)
    for row in rows:
        author = authors[row["author_id"]]
        found.append((row["title"], author.name))
    return found


def s24d() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S24d origin
        author = Author.objects.get(pk=book.author_id)  # S24d access
        found.append(author.name)
    return found


def s24d_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").select_related("author"):
        author = book.author
        found.append(author.name)
    return found


def s25() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S25 origin
        author = Author.objects.filter(pk=book.author_id).first()  # S25 access
        found.append(author.name if author else "")
    return found


def s25_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").select_related("author"):
        author = book.author
        found.append(author.name if author else "")
    return found


def s25b() -> Any:
    pks, found = _pks(), []
    for pk in pks:
        author = Author.objects.filter(pk=pk).first()  # S25b access
        found.append(author.name if author else "")
    return found


def s25b_fixed() -> Any:
    pks, found = _pks(), []
    authors = Author.objects.in_bulk(pks)
    for pk in pks:
        author = authors.get(pk)
        found.append(author.name if author else "")
    return found


def s25c() -> Any:
    found = []
    for patient in Patient.objects.order_by("pk"):  # S25c origin
        doctor = Doctor.objects.get(licence=patient.surgeon_id)  # S25c access
        found.append(doctor.full_name)
    return found


def s25c_fixed() -> Any:
    found = []
    for patient in Patient.objects.order_by("pk").select_related("surgeon"):
        doctor = patient.surgeon
        found.append(doctor.full_name)
    return found


def s26() -> Any:
    found = []
    for author in Author.objects.order_by("pk"):  # S26 origin
        books = list(Book.objects.filter(author=author))  # S26 access
        found.append(books)
    return found


def s26_fixed() -> Any:
    found = []
    for author in Author.objects.order_by("pk").prefetch_related("books"):
        books = list(author.books.all())
        found.append(books)
    return found


def s26b() -> Any:
    found = []
    for doctor in Doctor.objects.order_by("pk"):  # S26b origin
        patients = [p.surname for p in Patient.objects.filter(gp_id=doctor.pk)]  # S26b access
        found.append(patients)
    return found


def s26b_fixed() -> Any:
    found = []
    for doctor in Doctor.objects.order_by("pk").prefetch_related("patient_set"):
        patients = [p.surname for p in doctor.patient_set.all()]
        found.append(patients)
    return found


def s26c() -> Any:
    found = []
    for tag in Tag.objects.order_by("pk"):  # S26c origin
        books = set(Book.objects.filter(tags=tag))  # S26c access
        found.append(books)
    return found


def s26c_fixed() -> Any:
    found = []
    for tag in Tag.objects.order_by("pk").prefetch_related("books"):
        books = set(tag.books.all())
        found.append(books)
    return found


def s26d() -> Any:
    found = []
    for publisher in Publisher.objects.order_by("pk"):  # S26d origin
        books = list(Book.objects.filter(author__publisher=publisher))  # S26d access
        found.append(books)
    return found


def s27() -> Any:
    names = [f"author {number}" for number in range(6)]
    found = []
    for name in names:
        author = Author.objects.get(name=name)  # S27 access
        found.append(author.pk)
    return found


def s27_fixed() -> Any:
    names = [f"author {number}" for number in range(6)]
    found = []
    authors = Author.objects.in_bulk(names, field_name="name")
    for name in names:
        author = authors[name]
        found.append(author.pk)
    return found


def s27b() -> Any:
    licences = [f"L{number}" for number in range(6)]
    return {code: Doctor.objects.get(licence=code).full_name for code in licences}  # S27b access


def s27b_fixed() -> Any:
    licences = [f"L{number}" for number in range(6)]
    doctors = Doctor.objects.in_bulk(licences, field_name="licence")
    return {code: doctors[code].full_name for code in licences}


def s27c() -> Any:
    titles = [f"title {number}" for number in range(6)]
    return [Book.objects.get(title=title).price for title in titles]  # S27c access


def s27c_fixed() -> Any:
    titles = [f"title {number}" for number in range(6)]
    books = {book.title: book for book in Book.objects.filter(title__in=titles)}
    return [books[title].price for title in titles]


on = maker(globals(), kind="n_plus_one", saved=5)

CASES: tuple[Case, ...] = (
    on(
        "S24",
        "get() by key",
        model="corpus.Author",
        path=None,
        fix="Author.objects.in_bulk(pks)",
        origin=None,
        callers=(),
    ),
    on(
        "S24b",
        "get() by a UUID given as text",
        model="corpus.Doctor",
        path=None,
        fix="Doctor.objects.in_bulk(pks)",
        origin=None,
    ),
    on(
        "S24c",
        "get() by the keys of values() rows: a join is no advice there",
        model="corpus.Author",
        path=None,
        fix="Author.objects.in_bulk(pks)",
        origin=None,
    ),
    on(
        "S24d",
        "get() by a key that rows of the loop carry",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        says=("author",),
        saved=6,
    ),
    on(
        "S25",
        "filter(pk=).first() by a key that rows carry",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        says=("author",),
        saved=6,
    ),
    on(
        "S25b",
        "filter(pk=).first() by keys that no row carries",
        model="corpus.Author",
        path=None,
        fix="Author.objects.in_bulk(pks)",
        origin=None,
    ),
    on(
        "S25c",
        "get() by the unique column that a key points at",
        model="corpus.Patient",
        path="surgeon",
        fix='.select_related("surgeon")',
        says=("surgeon",),
        saved=6,
    ),
    on(
        "S26",
        "filter(key=row): the reverse relation by hand",
        model="corpus.Author",
        path="books",
        fix='.prefetch_related("books")',
        says=("books",),
    ),
    on(
        "S26b",
        "the same by the key's column, one of two keys to the table",
        model="corpus.Doctor",
        path="patient_set",
        fix='.prefetch_related("patient_set")',
        says=("patient_set",),
    ),
    on(
        "S26c",
        "the same over a many-to-many relation",
        model="corpus.Tag",
        path="books",
        fix='.prefetch_related("books")',
        says=("books",),
    ),
    on(
        "S26d",
        "the same over two relations: a loop, but no relation to prefetch as it is",
        model="corpus.Publisher",
        path=None,
    ),
    on(
        "S27",
        "get() by another unique field",
        model="corpus.Author",
        path=None,
        fix='Author.objects.in_bulk(names, field_name="name")',
        origin=None,
    ),
    on(
        "S27b",
        "the same in a dict comprehension",
        model="corpus.Doctor",
        path=None,
        fix='Doctor.objects.in_bulk(licences, field_name="licence")',
        origin=None,
    ),
    on(
        "S27c",
        "get() by a field that is not unique: in_bulk() would raise",
        model="corpus.Book",
        path=None,
        fix="",
        says=("title__in",),
        origin=None,
    ),
)
