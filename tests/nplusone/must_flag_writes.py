"""Must be flagged: writes one row at a time (S48 to S53)."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

from typing import Any

from django.db.models import F

from tests.nplusone.case import Case, maker
from tests.nplusone.models import (
    Allergy,
    Book,
    Label,
    Patient,
    Review,
    Sale,
    Stock,
    Tag,
    Visit,
    Ward,
)


def s48() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S48 origin
        sale = Sale.objects.create(book=book, amount=1)  # S48 via
        found.append(sale.left)
    return found


def s48b() -> Any:
    found = []
    for sale in Sale.objects.order_by("pk"):
        sale.amount += 1
        sale.save()  # S48b loop
        found.append(sale.left)
    return found


def _prices() -> list[tuple[str, int]]:
    return list(Book.objects.order_by("pk").values_list("title", "price"))


def s49() -> Any:
    for book in Book.objects.order_by("pk"):  # S49 origin
        book.price = book.price * 2 + len(book.title)
        book.save()  # S49 access
    return _prices()


def s49_fixed() -> Any:
    books = list(Book.objects.order_by("pk"))
    for book in books:
        book.price = book.price * 2 + len(book.title)
    Book.objects.bulk_update(books, ["price"])
    return _prices()


def s49b() -> Any:
    for book in Book.objects.order_by("pk"):  # S49b origin
        book.price += 1
        book.save(update_fields=["price"])  # S49b access
    return _prices()


def s49b_fixed() -> Any:
    books = list(Book.objects.order_by("pk"))
    for book in books:
        book.price += 1
    Book.objects.bulk_update(books, ["price"])
    return _prices()


def s49c() -> Any:
    pks = list(Visit.objects.values_list("pk", flat=True))
    for pk in pks:
        Visit.objects.filter(pk=pk).update(paid=True, fee=F("fee") + 1)  # S49c access
    return list(Visit.objects.values_list("paid", "fee"))


def s49c_fixed() -> Any:
    pks = list(Visit.objects.values_list("pk", flat=True))
    Visit.objects.filter(pk__in=pks).update(paid=True, fee=F("fee") + 1)
    return list(Visit.objects.values_list("paid", "fee"))


def s49d() -> Any:
    for ward in Ward.objects.order_by("pk"):  # S49d origin
        ward.floor += 1
        ward.save(force_update=True)  # S49d access
    return list(Ward.objects.order_by("pk").values_list("floor", flat=True))


def s49d_fixed() -> Any:
    wards = list(Ward.objects.order_by("pk"))
    for ward in wards:
        ward.floor += 1
    Ward.objects.bulk_update(wards, ["floor"])
    return list(Ward.objects.order_by("pk").values_list("floor", flat=True))


def s50() -> Any:
    for number in range(6):
        Tag.objects.create(name=f"new {number}")  # S50 access
    return Tag.objects.count()


def s50_fixed() -> Any:
    tags = [Tag(name=f"new {number}") for number in range(6)]
    Tag.objects.bulk_create(tags)
    return Tag.objects.count()


def s50b() -> Any:
    for book in Book.objects.order_by("pk"):
        review = Review(book=book, text="late", stars=1)
        review.save()  # S50b access
    return Review.objects.count()


def s50b_fixed() -> Any:
    reviews = [Review(book=book, text="late", stars=1) for book in Book.objects.order_by("pk")]
    Review.objects.bulk_create(reviews)
    return Review.objects.count()


def s50c() -> Any:
    for book in Book.objects.order_by("pk"):
        book.review_set.create(text="late", stars=1)  # S50c access
    return Review.objects.count()


def s50c_fixed() -> Any:
    reviews = [Review(book=book, text="late", stars=1) for book in Book.objects.order_by("pk")]
    Review.objects.bulk_create(reviews)
    return Review.objects.count()


def s51() -> Any:
    for review in Review.objects.filter(stars=2):  # S51 origin
        review.delete()  # S51 access
    return Review.objects.count()


def s51_fixed() -> Any:
    pks = [review.pk for review in Review.objects.filter(stars=2)]
    Review.objects.filter(pk__in=pks).delete()
    return Review.objects.count()


def s51b() -> Any:
    pks = list(Stock.objects.values_list("pk", flat=True))
    for pk in pks:
        Stock.objects.filter(pk=pk).delete()  # S51b access
    return Stock.objects.count()


def s51b_fixed() -> Any:
    pks = list(Stock.objects.values_list("pk", flat=True))
    Stock.objects.filter(pk__in=pks).delete()
    return Stock.objects.count()


def s52() -> Any:
    tag = Tag.objects.create(name="new")
    for book in Book.objects.order_by("pk"):
        book.tags.add(tag)  # S52 access
    return tag.books.count()


def s52_fixed() -> Any:
    tag = Tag.objects.create(name="new")
    rows = [Book.tags.through(book=book, tag=tag) for book in Book.objects.order_by("pk")]
    Book.tags.through.objects.bulk_create(rows, ignore_conflicts=True)
    return tag.books.count()


def s52b() -> Any:
    for patient in Patient.objects.order_by("pk"):
        patient.reacts_to.clear()  # S52b access
    return Allergy.objects.filter(patient=None).count()


def s53() -> Any:
    names, found = [f"tag {number}" for number in range(3, 9)], []
    for name in names:
        tag, made = Tag.objects.get_or_create(name=name)  # S53 access
        found.append((tag.name, made))
    return found


def s53_fixed() -> Any:
    names, found = [f"tag {number}" for number in range(3, 9)], []
    tags = Tag.objects.in_bulk(names, field_name="name")
    Tag.objects.bulk_create(Tag(name=name) for name in names if name not in tags)
    for name in names:
        made = name not in tags
        found.append((name, made))
    return found


def s53b() -> Any:
    for number in range(6):
        Label.objects.update_or_create(  # S53b access
            name=f"label {number}", defaults={"name": f"L {number}"}
        )
    return sorted(Label.objects.values_list("name", flat=True))


on = maker(globals(), kind="write_loop", path=None, origin=None, saved=5)

CASES: tuple[Case, ...] = (
    on(
        "S48",
        "a post_save handler reads for each row created, by a key that the loop's rows have",
        kind="n_plus_one",
        model="corpus.Book",
        path="stock",
        fix='.select_related("stock")',
        says=("stock",),
        access="take_from_stock access",
        origin="S48 origin",
        callers=("S48 via",),
        also=("write_loop",),
    ),
    on(
        "S48b",
        "a post_save handler reads for each row saved",
        kind="n_plus_one",
        model="corpus.Stock",
        access="take_from_stock access",
        callers=("S48b loop",),
        also=("write_loop",),
    ),
    on("S49", "save() with a value for each row", model="corpus.Book"),
    on(
        "S49b",
        "save(update_fields=) with a value for each row",
        model="corpus.Book",
        fix='Book.objects.bulk_update(books, ["price"])',
    ),
    on("S49c", "filter(pk=).update() with one value", model="corpus.Visit"),
    on("S49d", "save(force_update=True), slug keys", model="corpus.Ward"),
    on("S50", "create()", model="corpus.Tag", fix="Tag.objects.bulk_create(tags)"),
    on(
        "S50b",
        "save() of new rows",
        model="corpus.Review",
        fix="Review.objects.bulk_create(reviews)",
    ),
    on(
        "S50c",
        "create() through a relation",
        model="corpus.Review",
        fix="Review.objects.bulk_create(reviews)",
    ),
    on("S51", "delete() of each row", model="corpus.Review"),
    on("S51b", "filter(pk=).delete()", model="corpus.Stock"),
    on(
        "S52",
        "add() to a many-to-many relation",
        model="corpus.Book",
        path="tags",
        fix="Book.tags.through.objects.bulk_create(rows, ignore_conflicts=True)",
    ),
    on(
        "S52b",
        "clear() of a many-to-many relation",
        model="corpus.Patient",
        path="reacts_to",
        fix="",
    ),
    on(
        "S53",
        "get_or_create(), some of them there",
        model="corpus.Tag",
    ),
    on("S53b", "update_or_create()", model="corpus.Label"),
)
