"""Must be flagged: counts, existence and sums, one row at a time (S28 to S30)."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

from typing import Any

from django.db.models import Avg, Count, Exists, Max, OuterRef, Q, Subquery, Sum

from tests.nplusone.case import Case, maker
from tests.nplusone.models import (
    Allergy,
    Book,
    Patient,
    Review,
    Sale,
)


def s28() -> Any:
    return [b.review_set.count() for b in Book.objects.order_by("pk")]  # S28 access; S28 origin


def s28_fixed() -> Any:
    books = Book.objects.order_by("pk").annotate(review_count=Count("review", distinct=True))
    return [b.review_count for b in books]


def s28b() -> Any:
    found = []
    for patient in Patient.objects.order_by("pk"):  # S28b origin
        visits = patient.visits.count()  # S28b access
        found.append((patient.surname, visits))
    return found


def s28b_fixed() -> Any:
    found = []
    for patient in Patient.objects.order_by("pk").annotate(
        visits_count=Count("appointment", distinct=True)
    ):
        visits = patient.visits_count
        found.append((patient.surname, visits))
    return found


def s28c() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S28c origin
        found.append(book.tags.count())
        found.append(book.editions.count())
    return found


def s28c_fixed() -> Any:
    found = []
    books = Book.objects.order_by("pk").annotate(
        tags_count=Count("tags", distinct=True), editions_count=Count("editions", distinct=True)
    )
    for book in books:
        found.append(book.tags_count)
        found.append(book.editions_count)
    return found


def s28d() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S28d origin
        good = book.review_set.filter(stars__gte=5).count()  # S28d access
        found.append(good)
    return found


def s28d_fixed() -> Any:
    found = []
    good = Count("review", filter=Q(review__stars__gte=5), distinct=True)
    for book in Book.objects.order_by("pk").annotate(good=good):
        found.append(book.good)
        assert book.title
    return found


def s28e() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S28e origin
        count = Review.objects.filter(book=book).count()  # S28e access
        found.append(count)
    return found


def s28e_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").annotate(review_count=Count("review", distinct=True)):
        count = book.review_count
        found.append(count)
    return found


def s28f() -> Any:
    names = ("title 0", "title 1", "title 2", "title 3", "title 4", "title 5")
    return [Book.objects.filter(title=name).count() for name in names]  # S28f access


def s28f_fixed() -> Any:
    names = ("title 0", "title 1", "title 2", "title 3", "title 4", "title 5")
    found = Book.objects.filter(title__in=names).values("title").annotate(count=Count("pk"))
    counts = {row["title"]: row["count"] for row in found}
    return [counts.get(name, 0) for name in names]


def s29() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S29 origin
        reviewed = book.review_set.exists()  # S29 access
        found.append((book.title, reviewed))
    return found


def s29_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").annotate(
        has_review=Exists(Review.objects.filter(book=OuterRef("pk")))
    ):
        reviewed = book.has_review
        found.append((book.title, reviewed))
    return found


def s29b() -> Any:
    patients = Patient.objects.order_by("pk")
    return [patient.reacts_to.exists() for patient in patients]  # S29b access; S29b origin


def s29b_fixed() -> Any:
    patients = Patient.objects.order_by("pk").annotate(
        has_reacts_to=Exists(Allergy.objects.filter(patient=OuterRef("pk")))
    )
    return [p.has_reacts_to for p in patients]


def s30() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S30 origin
        total = book.review_set.aggregate(total=Sum("stars"))["total"]  # S30 access
        found.append(total)
    return found


def s30_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").annotate(review_stars_sum=Sum("review__stars")):
        total = book.review_stars_sum
        found.append(total)
    return found


def s30b() -> Any:
    found = []
    for patient in Patient.objects.order_by("pk"):  # S30b origin
        fees = patient.visits.aggregate(Max("fee"))  # S30b access
        found.append(fees["fee__max"])
    return found


def s30b_fixed() -> Any:
    found = []
    for patient in Patient.objects.order_by("pk").annotate(visits_fee_max=Max("appointment__fee")):
        found.append(patient.visits_fee_max)
        assert patient.surname
    return found


def s30c() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S30c origin
        found.append(book.review_set.aggregate(mean=Avg("stars"))["mean"])
        found.append(book.sales.aggregate(sold=Sum("amount"))["sold"])
    return found


def s30c_fixed() -> Any:
    found = []
    sales = Sale.objects.filter(book=OuterRef("pk")).values("book")
    sold = Subquery(sales.annotate(sold=Sum("amount")).values("sold"))
    for book in (
        Book.objects.order_by("pk")
        .annotate(review_stars_avg=Avg("review__stars"))
        .annotate(sold=sold)
    ):
        found.append(book.review_stars_avg)
        found.append(book.sold)
    return found


on = maker(globals(), kind="n_plus_one", saved=5)

CASES: tuple[Case, ...] = (
    on(
        "S28",
        "count() of a reverse key without related_name",
        model="corpus.Book",
        path="review_set",
        fix='.annotate(review_count=Count("review", distinct=True))',
        says=("review_count",),
        saved=6,
    ),
    on(
        "S28b",
        "count() of a relation with related_query_name",
        model="corpus.Patient",
        path="visits",
        says=("_count",),
        saved=6,
    ),
    on(
        "S28c",
        "two counts, which would multiply",
        model="corpus.Book",
        path="tags, editions",
        fix='.annotate(tags_count=Count("tags", distinct=True),'
        ' editions_count=Count("editions", distinct=True))',
        access=None,
        saved=12,
    ),
    on("S28d", "count() of some of them", model="corpus.Book", path="review_set"),
    on(
        "S28e",
        "count() of rows that point at the row, by hand",
        model="corpus.Book",
        path="review_set",
        fix='.annotate(review_count=Count("review", distinct=True))',
        says=("review_count",),
        saved=6,
    ),
    on(
        "S28f",
        "count() by a value, no row being looped over",
        model="corpus.Book",
        path=None,
        fix="",
        origin=None,
    ),
    on(
        "S29",
        "exists() of a reverse key",
        model="corpus.Book",
        path="review_set",
        fix='.annotate(has_review=Exists(Review.objects.filter(book=OuterRef("pk"))))',
        saved=6,
    ),
    on("S29b", "exists() of a many-to-many", model="corpus.Patient", path="reacts_to", saved=6),
    on("S30", "Sum of a reverse key", model="corpus.Book", path="review_set", saved=6),
    on("S30b", "Max, with related_query_name", model="corpus.Patient", path="visits", saved=6),
    on(
        "S30c",
        "two aggregates over different relations, which would multiply",
        model="corpus.Book",
        path="review_set, sales",
        access=None,
    ),
)
