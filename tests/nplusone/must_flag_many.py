"""Must be flagged: relations to many rows, and generic ones (S09 to S15)."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

from typing import Any

from django.contrib.contenttypes.prefetch import GenericPrefetch

from tests.nplusone.case import Case, eager, maker
from tests.nplusone.models import (
    Allergy,
    Author,
    Book,
    Doctor,
    Label,
    Note,
    Patient,
    Tag,
)


def s09() -> Any:
    return [list(a.books.all()) for a in Author.objects.order_by("pk")]  # S09 access; S09 origin


def s09_fixed() -> Any:
    return [list(a.books.all()) for a in Author.objects.order_by("pk").prefetch_related("books")]


def s09b() -> Any:
    owed = {}
    for patient in Patient.objects.order_by("pk"):  # S09b origin
        fees = [v.fee for v in patient.visits.all() if not v.paid]  # S09b access
        owed[patient.surname] = sum(fees)
    return owed


def s09b_fixed() -> Any:
    owed = {}
    for patient in Patient.objects.order_by("pk").prefetch_related("visits"):
        fees = [v.fee for v in patient.visits.all() if not v.paid]
        owed[patient.surname] = sum(fees)
    return owed


def s09c() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S09c origin
        editions = book.editions.all()
        if editions:  # S09c access
            found.append(editions[0].year)
    return found


def s09c_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").prefetch_related("editions"):
        editions = book.editions.all()
        if editions:
            found.append(editions[0].year)
    return found


def s10() -> Any:
    return [len(b.review_set.all()) for b in Book.objects.order_by("pk")]  # S10 access; S10 origin


def s10_fixed() -> Any:
    books = Book.objects.order_by("pk").prefetch_related("review_set")
    return [len(b.review_set.all()) for b in books]


def s10b() -> Any:
    found = []
    for doctor in Doctor.objects.order_by("pk"):  # S10b origin
        names = [p.surname for p in doctor.patient_set.all()]  # S10b access
        found.append(names)
    return found


def s10b_fixed() -> Any:
    found = []
    for doctor in Doctor.objects.order_by("pk").prefetch_related("patient_set"):
        names = [p.surname for p in doctor.patient_set.all()]
        found.append(names)
    return found


def s11() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S11 origin
        names = sorted(tag.name for tag in book.tags.all())  # S11 access
        found.append(names)
    return found


def s11_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").prefetch_related("tags"):
        names = sorted(tag.name for tag in book.tags.all())
        found.append(names)
    return found


def s11b() -> Any:
    patients = Patient.objects.order_by("pk")
    return [set(p.reacts_to.all()) for p in patients]  # S11b access; S11b origin


def s11b_fixed() -> Any:
    patients = Patient.objects.order_by("pk").prefetch_related("reacts_to")
    return [set(p.reacts_to.all()) for p in patients]


def s12() -> Any:
    return [set(t.books.all()) for t in Tag.objects.order_by("pk")]  # S12 access; S12 origin


def s12_fixed() -> Any:
    return [set(t.books.all()) for t in Tag.objects.order_by("pk").prefetch_related("books")]


def s12b() -> Any:
    return [set(a.patient_set.all()) for a in Allergy.objects.all()]  # S12b access; S12b origin


def s12b_fixed() -> Any:
    return [set(a.patient_set.all()) for a in Allergy.objects.all().prefetch_related("patient_set")]


def s13() -> Any:
    return [set(b.labels.all()) for b in Book.objects.order_by("pk")]  # S13 access; S13 origin


def s13_fixed() -> Any:
    return [set(b.labels.all()) for b in Book.objects.order_by("pk").prefetch_related("labels")]


def s13b() -> Any:
    found = set()
    for label in Label.objects.order_by("pk"):  # S13b origin
        for labelling in label.labelling_set.all():
            found.add((label.name, labelling.weight, labelling.book.title))  # S13b access
    return found


def s13b_fixed() -> Any:
    found = set()
    for label in Label.objects.order_by("pk").prefetch_related("labelling_set__book"):
        for labelling in label.labelling_set.all():
            found.add((label.name, labelling.weight, labelling.book.title))
    return found


def s14() -> Any:
    return [n.subject.title for n in Note.objects.order_by("pk")]  # S14 access; S14 origin


def s14_fixed() -> Any:
    return [n.subject.title for n in Note.objects.order_by("pk").prefetch_related("subject")]


def s14b() -> Any:
    return [n.subject.author.name for n in Note.objects.order_by("pk")]  # S14b access; S14b origin


def s14b_fixed() -> Any:
    notes = Note.objects.order_by("pk").prefetch_related(
        GenericPrefetch("subject", [Book.objects.select_related("author")])
    )
    return [n.subject.author.name for n in notes]


def s15() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S15 origin
        texts = [note.text for note in book.notes.all()]  # S15 access
        found.append(texts)
    return found


def s15_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").prefetch_related("notes"):
        texts = [note.text for note in book.notes.all()]
        found.append(texts)
    return found


on = maker(globals(), kind="n_plus_one")
prefetch = eager(on, "prefetch_related", saved=5)

CASES: tuple[Case, ...] = (
    prefetch("S09", "all() of a reverse key", "Author", "books"),
    prefetch("S09b", "the same with related_query_name and Meta.ordering", "Patient", "visits"),
    prefetch("S09c", "truth value and first row of a kept queryset", "Book", "editions"),
    prefetch("S10", "reverse key without related_name", "Book", "review_set"),
    prefetch("S10b", "the same, UUID keys, two keys to one table", "Doctor", "patient_set"),
    prefetch("S11", "many-to-many", "Book", "tags"),
    prefetch("S11b", "many-to-many between UUID and integer keys", "Patient", "reacts_to"),
    prefetch("S12", "many-to-many from its other side", "Tag", "books"),
    prefetch("S12b", "the same without related_name", "Allergy", "patient_set"),
    prefetch("S13", "many-to-many through a model of its own", "Book", "labels"),
    prefetch(
        "S13b",
        "the through rows, and a key on them",
        "Label",
        "labelling_set__book",
        access=None,
        saved=16,
    ),
    prefetch("S14", "generic foreign key", "Note", "subject"),
    prefetch(
        "S14b",
        "a key behind a generic key",
        "Note",
        "subject__author",
        fix='.prefetch_related(GenericPrefetch("subject", [Book.objects.select_related("author")]))',
        saved=10,
    ),
    prefetch("S15", "generic relation", "Book", "notes"),
)
