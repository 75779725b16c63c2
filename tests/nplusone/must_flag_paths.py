"""Must be flagged: paths of several relations of different kinds (S20, S21, S23 further)."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.core.serializers import serialize
from django.db.models import Prefetch
from django.forms.models import model_to_dict

from tests.nplusone.case import Case, eager, maker
from tests.nplusone.models import (
    Agent,
    Author,
    Book,
    Category,
    Doctor,
    Imprint,
    Note,
    Patient,
    Profile,
    Review,
    Tag,
    Visit,
    Ward,
)


def s20c() -> Any:
    found = []
    cheap = Prefetch("books", queryset=Book.objects.filter(price__gt=0))
    for author in Author.objects.prefetch_related(cheap).order_by("pk"):  # S20c origin
        for book in author.books.all():
            category = book.category  # S20c access
            found.append(category.name)
    return found


def s20c_fixed() -> Any:
    found = []
    cheap = Prefetch("books", queryset=Book.objects.filter(price__gt=0))
    authors = Author.objects.prefetch_related(cheap).order_by("pk")
    for author in authors.prefetch_related("books__category"):
        for book in author.books.all():
            category = book.category
            found.append(category.name)
    return found


def s21c() -> Any:
    found = []
    for ward in Ward.objects.order_by("pk"):  # S21c origin
        for doctor in ward.doctor_set.all():
            found.append(doctor.full_name)
            found.append(doctor.badge.color)
    return found


def s21c_fixed() -> Any:
    found = []
    for ward in Ward.objects.order_by("pk").prefetch_related("doctor_set__badge"):
        for doctor in ward.doctor_set.all():
            found.append(doctor.full_name)
            found.append(doctor.badge.color)
    return found


def s21d() -> Any:
    found = []
    for author in Author.objects.order_by("pk"):  # S21d origin
        for book in author.books.all():
            publisher = book.author.publisher  # the author is known: this is the author's own key
            found.append((book.title, publisher.name))
    return found


def s21d_fixed() -> Any:
    found = []
    authors = Author.objects.order_by("pk").select_related("publisher").prefetch_related("books")
    for author in authors:
        for book in author.books.all():
            publisher = book.author.publisher
            found.append((book.title, publisher.name))
    return found


def s21e() -> Any:
    found = []
    for imprint in Imprint.objects.order_by("pk"):  # S21e origin
        for author in imprint.authors.all():
            for book in author.books.all():
                found.append(book.title)
                found.extend(sorted(tag.name for tag in book.tags.all()))
    return found


def s21e_fixed() -> Any:
    found = []
    for imprint in Imprint.objects.order_by("pk").prefetch_related("authors__books__tags"):
        for author in imprint.authors.all():
            for book in author.books.all():
                found.append(book.title)
                found.extend(sorted(tag.name for tag in book.tags.all()))
    return found


def s23c() -> Any:
    return [b.author.profile.motto for b in Book.objects.order_by("pk")]  # S23c access; S23c origin


def s23c_fixed() -> Any:
    books = Book.objects.order_by("pk").select_related("author__profile")
    return [b.author.profile.motto for b in books]


def s23d() -> Any:
    found = []
    for profile in Profile.objects.order_by("pk"):  # S23d origin
        titles = [book.title for book in profile.author.books.all()]  # S23d access
        found.append(titles)
    return found


def s23d_fixed() -> Any:
    found = []
    profiles = Profile.objects.order_by("pk")
    for profile in profiles.select_related("author").prefetch_related("author__books"):
        titles = [book.title for book in profile.author.books.all()]
        found.append(titles)
    return found


def s23e() -> Any:
    found = []
    for agent in Agent.objects.order_by("pk"):  # S23e origin
        country = agent.client.country  # S23e access
        found.append(country.name)
    return found


def s23e_fixed() -> Any:
    found = []
    for agent in Agent.objects.order_by("pk").select_related("client__country"):
        country = agent.client.country
        found.append(country.name)
    return found


def s23f() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S23f origin
        grandparent = book.parent and book.parent.parent
        found.append(grandparent.title if grandparent else "")
    return found


def s23f_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").select_related("parent__parent"):
        grandparent = book.parent and book.parent.parent
        found.append(grandparent.title if grandparent else "")
    return found


def p01() -> Any:
    return [note.content_type.model for note in Note.objects.all()]  # P01 access; P01 origin


def p01_fixed() -> Any:
    return [note.content_type.model for note in Note.objects.all().select_related("content_type")]


def p02() -> Any:
    found = []
    for page in Paginator(Book.objects.order_by("pk"), 2):
        for book in page:  # P02 origin
            author = book.author  # P02 access
            found.append(author.name)
    return found


def p02_fixed() -> Any:
    found = []
    for page in Paginator(Book.objects.order_by("pk").select_related("author"), 2):
        for book in page:
            author = book.author
            found.append(author.name)
    return found


def p03() -> Any:
    books = Book.objects.in_bulk()  # P03 origin
    return {pk: book.author.name for pk, book in books.items()}  # P03 access


def p03_fixed() -> Any:
    books = Book.objects.select_related("author").in_bulk()
    return {pk: book.author.name for pk, book in books.items()}


def p04() -> Any:
    return serialize("json", Book.objects.order_by("pk"), fields=["tags"])  # P04 access; P04 origin


def p04_fixed() -> Any:
    books = Book.objects.order_by("pk").prefetch_related("tags")
    return serialize("json", books, fields=["tags"])


def p05() -> Any:
    patients = Patient.objects.order_by("pk")
    return [model_to_dict(patient, ["reacts_to"]) for patient in patients]  # P05 access; P05 origin


def p05_fixed() -> Any:
    patients = Patient.objects.order_by("pk").prefetch_related("reacts_to")
    return [model_to_dict(patient, ["reacts_to"]) for patient in patients]


def p06() -> Any:
    Book.objects.update(author=Author.objects.order_by("pk").first())
    return [book.author.name for book in Book.objects.order_by("pk")]  # P06 access; P06 origin


def p06_fixed() -> Any:
    Book.objects.update(author=Author.objects.order_by("pk").first())
    return [book.author.name for book in Book.objects.order_by("pk").select_related("author")]


def p07() -> Any:
    books = Book.objects.order_by("pk")
    return any(book.author.name == "nobody" for book in books)  # P07 access; P07 origin


def p07_fixed() -> Any:
    books = Book.objects.order_by("pk").select_related("author")
    return any(book.author.name == "nobody" for book in books)


class Shelf:
    """A collection that hands out rows."""

    def __init__(self, books: Any) -> None:
        self._books = list(books)  # P08 origin

    def __len__(self) -> int:
        return len(self._books)

    def __getitem__(self, index: int) -> Book:
        return self._books[index]


def p08() -> Any:
    found = []
    for book in Shelf(Book.objects.order_by("pk")):  # P08 loop
        editor = book.editor  # P08 access
        found.append(editor.name)
    return found


def p08_fixed() -> Any:
    found = []
    for book in Shelf(Book.objects.order_by("pk").select_related("editor")):
        editor = book.editor
        found.append(editor.name)
    return found


def p09() -> Any:
    found = []
    for category in Category.objects.order_by("pk"):  # P09 origin
        titles = [book.title for book in category.books.all()]  # P09 access
        found.append(titles)
    return found


def p09_fixed() -> Any:
    found = []
    for category in Category.objects.order_by("pk").prefetch_related("books"):
        titles = [book.title for book in category.books.all()]
        found.append(titles)
    return found


def p10() -> Any:
    found = []
    for doctor in Doctor.objects.order_by("pk"):  # P10 origin
        names = [patient.surname for patient in doctor.operated.all()]  # P10 access
        found.append(names)
    return found


def p10_fixed() -> Any:
    found = []
    for doctor in Doctor.objects.order_by("pk").prefetch_related("operated"):
        names = [patient.surname for patient in doctor.operated.all()]
        found.append(names)
    return found


def p11() -> Any:
    found = []
    for visit in Visit.objects.select_related("who"):  # P11 origin
        allergies = sorted(allergy.name for allergy in visit.who.reacts_to.all())  # P11 access
        found.append(allergies)
    return found


def p11_fixed() -> Any:
    found = []
    for visit in Visit.objects.select_related("who").prefetch_related("who__reacts_to"):
        allergies = sorted(allergy.name for allergy in visit.who.reacts_to.all())
        found.append(allergies)
    return found


def p12() -> Any:
    found = []
    for tag in Tag.objects.prefetch_related("books").order_by("pk"):  # P12 origin
        for book in tag.books.all():
            stars = [review.stars for review in book.review_set.all()]  # P12 access
            found.append((tag.name, stars))
    return found


def p12_fixed() -> Any:
    found = []
    tags = Tag.objects.prefetch_related("books").order_by("pk")
    for tag in tags.prefetch_related("books__review_set"):
        for book in tag.books.all():
            stars = [review.stars for review in book.review_set.all()]
            found.append((tag.name, stars))
    return found


def p13() -> Any:
    found = []
    for review in Review.objects.select_related("book__author").order_by("pk"):  # P13 origin
        parent = review.book.parent  # P13 access
        found.append(parent.title if parent else "")
    return found


def p13_fixed() -> Any:
    found = []
    reviews = Review.objects.select_related("book__author").order_by("pk")
    for review in reviews.select_related("book__parent"):
        parent = review.book.parent
        found.append(parent.title if parent else "")
    return found


on = maker(globals(), kind="n_plus_one")
join = eager(on, "select_related", saved=6)
prefetch = eager(on, "prefetch_related", saved=5)

CASES: tuple[Case, ...] = (
    prefetch("S20c", "a key on rows of a refined Prefetch()", "Author", "books__category"),
    prefetch(
        "S21c",
        "a reverse key, then a reverse one-to-one",
        "Ward",
        "doctor_set__badge",
        access=None,
        saved=10,
    ),
    on(
        "S21d",
        "a key on the row that the inner rows came from: known, so it is the outer row's key",
        model="corpus.Author",
        path="books, publisher",
        fix='.select_related("publisher").prefetch_related("books")',
        access=None,
        saved=11,
    ),
    prefetch("S21e", "three levels", "Imprint", "authors__books__tags", access=None, saved=15),
    join("S23c", "a key, then a reverse one-to-one", "Book", "author__profile", saved=12),
    prefetch(
        "S23d",
        "a one-to-one key, then a reverse key",
        "Profile",
        "author__books",
        fix='.select_related("author").prefetch_related("author__books")',
        saved=10,
    ),
    join(
        "S23e",
        "a one-to-one key, then a key to a unique column; three rows",
        "Agent",
        "client__country",
    ),
    join("S23f", "a key to the same table, twice", "Book", "parent__parent", access=None),
    join("P01", "equal parameters each time, and yet a relation", "Note", "content_type"),
    join("P02", "rows come page by page", "Book", "author"),
    join("P03", "rows from in_bulk()", "Book", "author"),
    prefetch("P04", "Django's serializers loop over rows and relations", "Book", "tags"),
    prefetch("P05", "model_to_dict() reads a many-to-many relation", "Patient", "reacts_to"),
    join("P06", "all rows have one target", "Book", "author"),
    join("P07", "any() drains a generator", "Book", "author"),
    join("P08", "a collection with __getitem__ only", "Book", "editor", callers=("P08 loop",)),
    prefetch("P09", "reverse key of a model with a slug key", "Category", "books"),
    prefetch("P10", "reverse key over a unique column", "Doctor", "operated"),
    prefetch("P11", "many-to-many behind a joined key", "Visit", "who__reacts_to", saved=11),
    prefetch(
        "P12",
        "a reverse key on rows prefetched over a many-to-many, each twice",
        "Tag",
        "books__review_set",
    ),
    join("P13", "a second key beside a joined one", "Review", "book__parent", saved=10),
)
