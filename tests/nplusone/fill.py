"""Fills the corpus' tables: the same rows each time."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from django.contrib.contenttypes.models import ContentType

from tests.nplusone import models as m

#: Rows of most tables: enough statements for a warning, few enough to count by hand.
ROWS = 6


def fill(rows: int = ROWS) -> None:
    """Put that many rows into each table: each book has an author, editor and category of its own.

    Books are a tree: the first is the root, each has two children while they last. Each has two
    of the tags and labels, two reviews, two editions, a note, a sale and stock. Every second author
    has an agent. The clinic is filled likewise.
    """
    _fill_trade(rows)
    _fill_clinic(rows)
    # Django keeps content types for the life of the process: whether a case pays for reading one
    # must not hang on the cases before it.
    ContentType.objects.get_for_models(m.Book, m.Author, m.Patient)


def _fill_trade(rows: int) -> None:
    numbers = range(rows)
    tags = [m.Tag.objects.create(name=f"tag {number}") for number in numbers]
    labels = [m.Label.objects.create(name=f"label {number}") for number in numbers]
    authors = [
        m.Author.objects.create(
            name=f"author {number}",
            publisher=m.Publisher.objects.create(name=f"publisher {number}"),
            imprint=m.Imprint.objects.create(id=UUID(int=number), name=f"imprint {number}"),
            country=m.Country.objects.create(code=f"c{number}", name=f"country {number}"),
        )
        for number in numbers
    ]
    m.Profile.objects.bulk_create(m.Profile(author=a, motto=f"motto of {a.name}") for a in authors)
    m.Agent.objects.bulk_create(m.Agent(client=a, name=f"agent of {a.name}") for a in authors[::2])
    books: list[m.Book] = []
    for number in numbers:
        book = m.Book.objects.create(
            title=f"title {number}",
            body=f"body {number}",
            price=10 + number,
            author=authors[number],
            editor=authors[(number + 1) % rows],
            category=m.Category.objects.create(slug=f"category-{number}", name=f"kind {number}"),
            parent=books[(number - 1) // 2] if books else None,
        )
        books.append(book)
        book.tags.set([tags[number], tags[number - 1]])
        m.Labelling.objects.bulk_create(
            m.Labelling(book=book, label=labels[number - back], weight=back) for back in (0, 1)
        )
        m.Review.objects.bulk_create(
            m.Review(book=book, text=f"review {number}-{stars}", stars=stars) for stars in (2, 5)
        )
        m.Edition.objects.bulk_create(
            m.Edition(book=book, year=year) for year in (1990 + number, 2000 + number)
        )
        m.Note.objects.create(text=f"note {number}", subject=book)
        m.Stock.objects.create(book=book, copies=100 + number)
        m.Sale.objects.bulk_create([m.Sale(book=book, amount=number)])
        m.Cafe.objects.create(name=f"cafe {number}", seats=number)


def _fill_clinic(rows: int) -> None:
    allergies = [m.Allergy.objects.create(name=f"allergy {number}") for number in range(rows)]
    wards = [m.Ward.objects.create(code=f"ward-{number}", floor=number) for number in range(rows)]
    doctors = [
        m.Doctor.objects.create(
            id=UUID(int=number),
            licence=f"L{number}",
            full_name=f"doctor {number}",
            home=wards[number],
        )
        for number in range(rows)
    ]
    m.Badge.objects.bulk_create(
        m.Badge(holder=doctor, color=f"color {number}") for number, doctor in enumerate(doctors)
    )
    patient = None
    for number in range(rows):
        patient = m.Patient.objects.create(
            id=UUID(int=number),
            surname=f"surname {number}",
            chart=f"chart {number}",
            photo=f"photo {number}",
            gp=doctors[number],
            surgeon=doctors[(number + 1) % rows],
            bed_in=wards[(number + 2) % rows],
            mother=patient,
        )
        patient.reacts_to.set([allergies[number], allergies[number - 1]])
        m.Visit.objects.bulk_create(
            m.Visit(
                who=patient,
                day=date(2026, 1, 1) + timedelta(days=7 * number + later),
                fee=20 + later,
                paid=bool(later),
            )
            for later in (0, 1)
        )
