"""Must be flagged: relations ordered, cut, filtered or reduced to values (S31, S32)."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch

from tests.nplusone.case import Case, maker
from tests.nplusone.models import (
    Author,
    Book,
    Edition,
    Label,
    Labelling,
    Patient,
    Review,
    Visit,
)


def s31() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S31 origin
        review = book.review_set.first()  # S31 access
        found.append(review.text)
    return found


def s31_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").prefetch_related(
        Prefetch(
            "review_set", queryset=Review.objects.order_by("pk")[:1], to_attr="first_review_set"
        )
    ):
        review = book.first_review_set[0]
        found.append(review.text)
    return found


def s31b() -> Any:
    found = []
    for patient in Patient.objects.order_by("pk"):  # S31b origin
        visit = patient.visits.order_by("-day").first()  # S31b access
        found.append(visit.fee)
    return found


def s31b_fixed() -> Any:
    found = []
    for patient in Patient.objects.order_by("pk").prefetch_related(
        Prefetch("visits", queryset=Visit.objects.order_by("-day")[:1], to_attr="first_visits")
    ):
        visit = patient.first_visits[0]
        found.append(visit.fee)
    return found


def s31c() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S31c origin
        edition = book.editions.latest("year")  # S31c access
        found.append(edition.year)
    return found


def s31c_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").prefetch_related(
        Prefetch(
            "editions",
            queryset=Edition.objects.order_by("-year")[:1],
            to_attr="latest_editions",
        )
    ):
        edition = book.latest_editions[0]
        found.append(edition.year)
    return found


def s31d() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S31d origin
        years = [edition.year for edition in book.editions.order_by("-year")]  # S31d access
        found.append(years)
    return found


def s31d_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").prefetch_related(
        Prefetch(
            "editions",
            queryset=Edition.objects.order_by("-year"),
            to_attr="ordered_editions",
        )
    ):
        years = [edition.year for edition in book.ordered_editions]
        found.append(years)
    return found


def s31e() -> Any:
    found = []
    for author in Author.objects.order_by("pk"):  # S31e origin
        dear = [book.title for book in author.books.filter(price__gt=12)]  # S31e access
        found.append(dear)
    return found


def s32() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S32 origin
        names = sorted(book.tags.values_list("name", flat=True))  # S32 access
        found.append(names)
    return found


def s32_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").prefetch_related("tags"):
        names = sorted(tag.name for tag in book.tags.all())
        found.append(names)
    return found


def s32b() -> Any:
    found = []
    for patient in Patient.objects.order_by("pk"):  # S32b origin
        fees = list(patient.visits.values("fee"))  # S32b access
        found.append([fee["fee"] for fee in fees])
    return found


def s32b_fixed() -> Any:
    found = []
    for patient in Patient.objects.order_by("pk").prefetch_related("visits"):
        fees = list(patient.visits.all())
        found.append([fee.fee for fee in fees])
    return found


def s32c() -> Any:
    found = []
    for label in Label.objects.order_by("pk"):  # S32c origin
        labellings = Labelling.objects.filter(label=label).select_related("book")
        for labelling in labellings:  # S32c access
            found.append(labelling.book.title)
            found.append(label.name)
    return found


def s32c_fixed() -> Any:
    found = []
    for label in Label.objects.order_by("pk").prefetch_related(
        Prefetch("labelling_set", queryset=Labelling.objects.select_related("book"))
    ):
        for labelling in label.labelling_set.all():
            found.append(labelling.book.title)
            found.append(label.name)
    return found


on = maker(globals(), kind="n_plus_one", saved=5)

CASES: tuple[Case, ...] = (
    on("S31", "first() of a reverse key", model="corpus.Book", path="review_set"),
    on("S31b", "the latest by order_by().first()", model="corpus.Patient", path="visits"),
    on("S31c", "latest()", model="corpus.Book", path="editions"),
    on("S31d", "order_by() of a relation", model="corpus.Book", path="editions"),
    on("S31e", "filter() of a relation, not prefetched", model="corpus.Author", path="books"),
    on(
        "S32",
        "values_list() of a many-to-many",
        model="corpus.Book",
        path="tags",
        fix='.prefetch_related("tags")',
        says=("tags.all()",),
    ),
    on(
        "S32b",
        "values() of a reverse key",
        model="corpus.Patient",
        path="visits",
        fix='.prefetch_related("visits")',
        says=("visits.all()",),
    ),
    on(
        "S32c",
        "through rows by hand, with a join",
        model="corpus.Label",
        path=None,
    ),
)
