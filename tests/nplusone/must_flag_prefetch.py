"""Must be flagged: what is prefetched is asked again, or prefetched in the loop (S33 to S36)."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

from typing import Any

from django.db.models import prefetch_related_objects

from tests.nplusone.case import Case, maker
from tests.nplusone.models import Author, Book, Doctor, Patient, Tag


def s33() -> Any:
    found = []
    for author in Author.objects.prefetch_related("books").order_by("pk"):  # S33 origin
        dear = [book.title for book in author.books.filter(price__gt=12)]  # S33 access
        found.append(dear)
    return found


def s33_fixed() -> Any:
    found = []
    for author in Author.objects.prefetch_related("books").order_by("pk"):
        dear = [book.title for book in author.books.all() if book.price > 12]
        found.append(dear)
    return found


def s33b() -> Any:
    found = []
    for patient in Patient.objects.prefetch_related("visits").order_by("pk"):  # S33b origin
        unpaid = patient.visits.filter(paid=False).exists()  # S33b access
        found.append(unpaid)
    return found


def s33b_fixed() -> Any:
    found = []
    for patient in Patient.objects.prefetch_related("visits").order_by("pk"):
        unpaid = any(not visit.paid for visit in patient.visits.all())
        found.append(unpaid)
    return found


def s34() -> Any:
    found = []
    for book in Book.objects.prefetch_related("editions").order_by("pk"):  # S34 origin
        edition = book.editions.first()  # S34 access
        found.append(edition.year)
    return found


def s34_fixed() -> Any:
    found = []
    for book in Book.objects.prefetch_related("editions").order_by("pk"):
        edition = book.editions.all()[0]
        found.append(edition.year)
    return found


def s34b() -> Any:
    found = []
    for book in Book.objects.prefetch_related("editions").order_by("pk"):  # S34b origin
        years = [edition.year for edition in book.editions.order_by("-year")]  # S34b access
        found.append(years)
    return found


def s34b_fixed() -> Any:
    found = []
    for book in Book.objects.prefetch_related("editions").order_by("pk"):
        editions = sorted(book.editions.all(), key=lambda edition: -edition.year)
        found.append([edition.year for edition in editions])
    return found


def s34c() -> Any:
    found = []
    for doctor in Doctor.objects.prefetch_related("patient_set").order_by("pk"):  # S34c origin
        for patient in doctor.patient_set.select_related("bed_in"):  # S34c access
            found.append(patient.bed_in.floor)
            found.append(patient.surname)
    return found


def s34d() -> Any:
    found = []
    for book in Book.objects.prefetch_related("tags").order_by("pk"):  # S34d origin
        names = sorted(book.tags.values_list("name", flat=True))  # S34d access
        found.append(names)
    return found


def s34d_fixed() -> Any:
    found = []
    for book in Book.objects.prefetch_related("tags").order_by("pk"):
        names = sorted(tag.name for tag in book.tags.all())
        found.append(names)
    return found


def s34e() -> Any:
    found = []
    authors = Author.objects.prefetch_related("books__review_set").order_by("pk")
    for author in authors:  # S34e origin
        for book in author.books.all():
            latest = book.review_set.latest("stars")  # S34e access
            found.append(latest.text)
    return found


def s34e_fixed() -> Any:
    found = []
    authors = Author.objects.prefetch_related("books__review_set").order_by("pk")
    for author in authors:
        for book in author.books.all():
            latest = max(book.review_set.all(), key=lambda review: review.stars)
            found.append(latest.text)
    return found


def s35() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S35 origin
        prefetch_related_objects([book], "tags")  # S35 access
        found.append(sorted(tag.name for tag in book.tags.all()))
    return found


def s35_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").prefetch_related("tags"):
        prefetch_related_objects([book], "tags")
        found.append(sorted(tag.name for tag in book.tags.all()))
    return found


def s36() -> Any:
    found = []
    pks = list(Book.objects.order_by("pk").values_list("pk", flat=True))
    for pk in pks:
        book = Book.objects.prefetch_related("tags").get(pk=pk)  # S36 access
        found.append(sorted(tag.name for tag in book.tags.all()))
    return found


def s36_fixed() -> Any:
    found = []
    pks = list(Book.objects.order_by("pk").values_list("pk", flat=True))
    books = Book.objects.prefetch_related("tags").in_bulk(pks)
    for pk in pks:
        book = books[pk]
        found.append(sorted(tag.name for tag in book.tags.all()))
    return found


def s36b() -> Any:
    found = []
    for tag in Tag.objects.order_by("pk"):  # S36b origin
        for book in tag.books.prefetch_related("editions"):  # S36b access
            found.append((book.title, [edition.year for edition in book.editions.all()]))
            found.append(tag.name)
    return sorted(map(str, found))


on = maker(globals(), kind="wasted_prefetch", saved=6)

CASES: tuple[Case, ...] = (
    on("S33", "filter() on a prefetched relation", model="corpus.Author", path="books"),
    on("S33b", "filter().exists() on one", model="corpus.Patient", path="visits"),
    on("S34", "first() on one", model="corpus.Book", path="editions"),
    on("S34b", "order_by() on one", model="corpus.Book", path="editions"),
    on("S34c", "select_related() on one", model="corpus.Doctor", path="patient_set", saved=5),
    on("S34d", "values_list() on one", model="corpus.Book", path="tags"),
    on(
        "S34e",
        "latest() on a relation prefetched two levels deep",
        model="corpus.Author",
        path="books__review_set",
    ),
    on(
        "S35",
        "prefetch_related_objects() for one row at a time",
        kind="n_plus_one",
        model="corpus.Book",
        path="tags",
        saved=5,
    ),
    on(
        "S36",
        "prefetch_related() on a queryset that gets one row",
        kind="n_plus_one",
        model="corpus.Book",
        path=None,
        origin=None,
        saved=5,
    ),
    on(
        "S36b",
        "prefetch_related() on a relation read in a loop",
        kind="n_plus_one",
        model="corpus.Tag",
        path=None,
        saved=5,
    ),
)
