"""Must be flagged: what fetch modes do not help with, Django 6.1.2 and later (S56, S57)."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

from typing import Any

from django.db import models

from tests.nplusone.case import Case, maker
from tests.nplusone.models import Book, Doctor, Patient

#: None before Django 6.1.
FETCH_PEERS: Any = getattr(models, "FETCH_PEERS", None)


def s56() -> Any:
    found = []
    books = Book.objects.order_by("pk").fetch_mode(FETCH_PEERS)
    for book in books.iterator(chunk_size=100):  # S56 origin
        author = book.author  # S56 access
        found.append(author.name)
    return found


def s56_fixed() -> Any:
    found = []
    books = Book.objects.order_by("pk").fetch_mode(FETCH_PEERS).select_related("author")
    for book in books.iterator(chunk_size=100):
        author = book.author
        found.append(author.name)
    return found


def s56b() -> Any:
    found = []
    for number in range(6):
        patient = Patient.objects.fetch_mode(FETCH_PEERS).get(surname=f"surname {number}")
        found.append(patient.gp.full_name)  # S56b access
    return found


def s57() -> Any:
    found = []
    for book in Book.objects.order_by("pk").fetch_mode(FETCH_PEERS):  # S57 origin
        names = sorted(tag.name for tag in book.tags.all())  # S57 access
        found.append(names)
    return found


def s57_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").fetch_mode(FETCH_PEERS).prefetch_related("tags"):
        names = sorted(tag.name for tag in book.tags.all())
        found.append(names)
    return found


def s57b() -> Any:
    found = []
    for doctor in Doctor.objects.order_by("pk").fetch_mode(FETCH_PEERS):  # S57b origin
        patients = [p.surname for p in doctor.patient_set.all()]  # S57b access
        found.append((doctor.home.floor, patients))
    return found


def s57b_fixed() -> Any:
    found = []
    doctors = Doctor.objects.order_by("pk").fetch_mode(FETCH_PEERS)
    for doctor in doctors.prefetch_related("patient_set"):
        patients = [p.surname for p in doctor.patient_set.all()]
        found.append((doctor.home.floor, patients))
    return found


on = maker(globals(), kind="n_plus_one", needs="fetch_modes")

CASES: tuple[Case, ...] = (
    on(
        "S56",
        "FETCH_PEERS with iterator(): a row is read before it has peers",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        saved=6,
    ),
    on(
        "S56b",
        "FETCH_PEERS on rows got one by one",
        model="corpus.Patient",
        path=None,
        access=None,
        origin=None,
        saved=5,
    ),
    on(
        "S57",
        "FETCH_PEERS and a many-to-many relation",
        model="corpus.Book",
        path="tags",
        fix='.prefetch_related("tags")',
        saved=5,
    ),
    on(
        "S57b",
        "FETCH_PEERS, a key (one batch) and a reverse key (one by one)",
        model="corpus.Doctor",
        path="patient_set",
        fix='.prefetch_related("patient_set")',
        saved=5,
    ),
)
