"""Must be flagged: relations of relations, and several of one row (S19 to S23)."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

import warnings
from typing import Any

from django.db.models import QuerySet

from tests.nplusone.case import Case, eager, maker
from tests.nplusone.models import (
    Author,
    Book,
    Doctor,
    Visit,
)


def s19() -> Any:
    found = []
    for book in Book.objects.select_related("author").order_by("pk"):  # S19 origin
        publisher = book.author.publisher  # S19 access
        found.append(publisher.name)
    return found


def s19_fixed() -> Any:
    found = []
    books = Book.objects.select_related("author").order_by("pk").select_related("author__publisher")
    for book in books:
        publisher = book.author.publisher
        found.append(publisher.name)
    return found


def s19b() -> Any:
    found = []
    for visit in Visit.objects.select_related("who"):  # S19b origin
        home = visit.who.gp.home  # S19b access
        found.append(home.floor)
    return found


def s19b_fixed() -> Any:
    found = []
    for visit in Visit.objects.select_related("who").select_related("who__gp__home"):
        home = visit.who.gp.home
        found.append(home.floor)
    return found


def _joined() -> QuerySet[Book]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Django 6.1 deprecates select_related() without names
        return Book.objects.select_related().order_by("pk")


def s19c() -> Any:
    found = []
    for book in _joined():  # S19c origin
        editor = book.editor  # S19c access
        found.append((book.author.name, editor.name))
    return found


def s19c_fixed() -> Any:
    found = []
    for book in _joined().select_related(
        "author__country", "author__imprint", "author__publisher", "editor"
    ):
        editor = book.editor
        found.append((book.author.name, editor.name))
    return found


def s20() -> Any:
    found = []
    for author in Author.objects.prefetch_related("books").order_by("pk"):  # S20 origin
        for book in author.books.all():
            category = book.category  # S20 access
            found.append(category.name)
    return found


def s20_fixed() -> Any:
    found = []
    authors = (
        Author.objects.prefetch_related("books").order_by("pk").prefetch_related("books__category")
    )
    for author in authors:
        for book in author.books.all():
            category = book.category
            found.append(category.name)
    return found


def s20b() -> Any:
    found = []
    for doctor in Doctor.objects.prefetch_related("patient_set"):  # S20b origin
        for patient in doctor.patient_set.all():
            floor = patient.bed_in.floor  # S20b access
            found.append((floor, doctor.full_name))
    return found


def s20b_fixed() -> Any:
    found = []
    for doctor in Doctor.objects.prefetch_related("patient_set").prefetch_related(
        "patient_set__bed_in"
    ):
        for patient in doctor.patient_set.all():
            floor = patient.bed_in.floor
            found.append((floor, doctor.full_name))
    return found


def s21() -> Any:
    found = []
    for author in Author.objects.order_by("pk"):  # S21 origin
        for book in author.books.all():
            texts = [review.text for review in book.review_set.all()]
            found.append((author.name, book.title, texts))
    return found


def s21_fixed() -> Any:
    found = []
    for author in Author.objects.order_by("pk").prefetch_related("books__review_set"):
        for book in author.books.all():
            texts = [review.text for review in book.review_set.all()]
            found.append((author.name, book.title, texts))
    return found


def s21b() -> Any:
    found = []
    for doctor in Doctor.objects.order_by("pk"):  # S21b origin
        for patient in doctor.patient_set.all():
            found.append(sorted(a.name for a in patient.reacts_to.all()))
            found.append(patient.bed_in.floor)
    return found


def s21b_fixed() -> Any:
    found = []
    doctors = Doctor.objects.order_by("pk").prefetch_related(
        "patient_set__reacts_to", "patient_set__bed_in"
    )
    for doctor in doctors:
        for patient in doctor.patient_set.all():
            found.append(sorted(a.name for a in patient.reacts_to.all()))
            found.append(patient.bed_in.floor)
    return found


def s22() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S22 origin
        author = book.author.name
        category = book.category.name
        found.append((author, category))
    return found


def s22_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").select_related("author", "category"):
        author = book.author.name
        category = book.category.name
        found.append((author, category))
    return found


def s22b() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S22b origin
        found.append(book.author.publisher.name)
        found.append(sorted(tag.name for tag in book.tags.all()))
        found.append([edition.year for edition in book.editions.all()])
    return found


def s22b_fixed() -> Any:
    found = []
    books = (
        Book.objects.order_by("pk")
        .select_related("author__publisher")
        .prefetch_related("tags", "editions")
    )
    for book in books:
        found.append(book.author.publisher.name)
        found.append(sorted(tag.name for tag in book.tags.all()))
        found.append([edition.year for edition in book.editions.all()])
    return found


def s23() -> Any:
    return [b.author.publisher.name for b in Book.objects.order_by("pk")]  # S23 access; S23 origin


def s23_fixed() -> Any:
    books = Book.objects.order_by("pk").select_related("author__publisher")
    return [b.author.publisher.name for b in books]


def s23b() -> Any:
    found = []
    for visit in Visit.objects.all():  # S23b origin
        doctor = visit.who.gp  # S23b via
        found.append(doctor.home.floor)
    return found


def s23b_fixed() -> Any:
    found = []
    for visit in Visit.objects.all().select_related("who__gp__home"):
        doctor = visit.who.gp
        found.append(doctor.home.floor)
    return found


on = maker(globals(), kind="n_plus_one")
join = eager(on, "select_related", saved=6)
prefetch = eager(on, "prefetch_related", saved=5)

CASES: tuple[Case, ...] = (
    join("S19", "one hop behind a joined relation", "Book", "author__publisher"),
    join("S19b", "two hops behind a joined relation", "Visit", "who__gp__home", saved=24),
    join(
        "S19c",
        "select_related() without names leaves nullable keys out; naming one drops the others",
        "Book",
        "editor",
        fix='.select_related("author__country", "author__imprint", "author__publisher", "editor")',
        note="What select_related() followed by itself is named, so that nothing is lost.",
    ),
    prefetch("S20", "a key on prefetched rows", "Author", "books__category"),
    prefetch("S20b", "a hidden key (related_name '+') on them", "Doctor", "patient_set__bed_in"),
    prefetch("S21", "nested loops", "Author", "books__review_set", saved=10, access=None),
    prefetch(
        "S21b",
        "nested loops that branch",
        "Doctor",
        "patient_set__reacts_to",
        "patient_set__bed_in",
        saved=15,
        access=None,
    ),
    join("S22", "two keys in turn", "Book", "author", "category", saved=12, access=None),
    join(
        "S22b",
        "a chain and two many-valued relations of one queryset",
        "Book",
        "author__publisher",
        "tags",
        "editions",
        fix='.select_related("author__publisher").prefetch_related("tags", "editions")',
        saved=22,
        access=None,
    ),
    join("S23", "a chain, nothing loaded", "Book", "author__publisher", saved=12),
    join(
        "S23b", "a chain of three over two lines", "Visit", "who__gp__home", saved=36, access=None
    ),
)
