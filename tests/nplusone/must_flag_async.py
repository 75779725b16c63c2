"""Must be flagged: coroutines and threads, with the coroutine's line (S47, S61)."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections
from django.db.models import Exists, OuterRef

from tests.nplusone.case import Case, maker
from tests.nplusone.models import Author, Book, Doctor, Patient, Review, Tag


@async_to_sync
async def s47() -> Any:
    found = []
    async for book in Book.objects.order_by("pk"):  # S47 origin
        author = await Author.objects.aget(pk=book.author_id)  # S47 access
        found.append(author.name)
    return found


@async_to_sync
async def s47_fixed() -> Any:
    found = []
    async for book in Book.objects.order_by("pk").select_related("author"):
        author = book.author
        found.append(author.name)
    return found


@async_to_sync
async def s47b() -> Any:
    found = []
    async for author in Author.objects.order_by("pk"):  # S47b origin
        titles = [book.title async for book in author.books.all()]  # S47b access
        found.append(titles)
    return found


@async_to_sync
async def s47b_fixed() -> Any:
    found = []
    async for author in Author.objects.order_by("pk").prefetch_related("books"):
        titles = [book.title async for book in author.books.all()]
        found.append(titles)
    return found


@async_to_sync
async def s47c() -> Any:
    names = [f"author {number}" for number in range(6)]
    found = await asyncio.gather(*(_by_name(name) for name in names))
    return [author.name for author in found]


async def _by_name(name: str) -> Author:
    return await Author.objects.aget(name=name)  # S47c access


@async_to_sync
async def s47c_fixed() -> Any:
    names = [f"author {number}" for number in range(6)]
    found = await Author.objects.ain_bulk(names, field_name="name")
    return [found[name].name for name in names]


@async_to_sync
async def s47d() -> Any:
    found = []
    async for doctor in Doctor.objects.order_by("pk"):  # S47d origin
        count = await doctor.patient_set.acount()  # S47d access
        found.append(count)
    return found


@async_to_sync
async def s47e() -> Any:
    found = []
    for patient in [p async for p in Patient.objects.order_by("pk")]:  # S47e origin
        name = await sync_to_async(lambda row: row.gp.full_name)(patient)  # S47e access
        found.append(name)
    return found


@async_to_sync
async def s47e_fixed() -> Any:
    found = []
    for patient in [p async for p in Patient.objects.order_by("pk").select_related("gp")]:
        name = await sync_to_async(lambda row: row.gp.full_name)(patient)
        found.append(name)
    return found


@async_to_sync
async def s47f() -> Any:
    for number in range(6):
        await Tag.objects.acreate(name=f"new {number}")  # S47f access
    return await Tag.objects.acount()


@async_to_sync
async def s47f_fixed() -> Any:
    tags = [Tag(name=f"new {number}") for number in range(6)]
    await Tag.objects.abulk_create(tags)
    return await Tag.objects.acount()


@async_to_sync
async def s47g() -> Any:
    found = []
    async for book in Book.objects.order_by("pk"):  # S47g origin
        reviewed = await book.review_set.aexists()  # S47g access
        found.append(reviewed)
    return found


@async_to_sync
async def s47g_fixed() -> Any:
    found = []
    async for book in Book.objects.order_by("pk").annotate(
        has_review=Exists(Review.objects.filter(book=OuterRef("pk")))
    ):
        reviewed = book.has_review
        found.append(reviewed)
    return found


@async_to_sync
async def s47h() -> Any:
    for book in [book async for book in Book.objects.order_by("pk")]:
        book.price += 1
        await book.asave()  # S47h access
    return await Book.objects.filter(price__gt=10).acount()


async def _first_tag(book: Book) -> str:
    tag = await book.tags.afirst()  # S47i access
    return tag.name if tag else ""


@async_to_sync
async def s47i() -> Any:
    found = []
    async for book in Book.objects.order_by("pk"):  # S47i origin
        found.append(await _first_tag(book))  # S47i via
        assert book.title
    return found


def _worker(book: Book) -> str:
    return book.author.name  # S61 access


def _in_threads(books: Any) -> list[str]:
    """Read each row in a thread, with the context of the one that started it."""
    shared = connections["default"]
    shared.inc_thread_sharing()

    def read(book: Book) -> str:
        connections["default"] = shared  # the test's rows are in this connection's transaction
        try:
            return _worker(book)
        finally:
            del connections["default"]

    try:
        with ThreadPoolExecutor(max_workers=1) as pool:
            jobs = [pool.submit(copy_context().run, read, book) for book in books]  # S61 origin
            return [job.result() for job in jobs]
    finally:
        shared.dec_thread_sharing()


def s61() -> Any:
    return _in_threads(Book.objects.order_by("pk"))


def s61_fixed() -> Any:
    return _in_threads(Book.objects.order_by("pk").select_related("author"))


@async_to_sync
async def s61b() -> Any:
    patients = [p async for p in Patient.objects.order_by("pk")]  # S61b origin
    return await asyncio.gather(*(asyncio.create_task(_doctor(p)) for p in patients))


@sync_to_async
def _doctor(patient: Patient) -> str:
    return patient.gp.full_name  # S61b access


@async_to_sync
async def s61b_fixed() -> Any:
    patients = [p async for p in Patient.objects.order_by("pk").select_related("gp")]
    return await asyncio.gather(*(asyncio.create_task(_doctor(p)) for p in patients))


on = maker(globals(), kind="n_plus_one", saved=5)

CASES: tuple[Case, ...] = (
    on(
        "S47",
        "async for, and aget() by a key that the rows carry",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        saved=6,
    ),
    on(
        "S47b",
        "async for over a relation of async rows",
        model="corpus.Author",
        path="books",
        fix='.prefetch_related("books")',
    ),
    on(
        "S47c",
        "aget() in coroutines that are gathered",
        model="corpus.Author",
        path=None,
        origin=None,
        fix='Author.objects.ain_bulk(names, field_name="name")',
        note="in_bulk() raises SynchronousOnlyOperation in a coroutine.",
    ),
    on("S47d", "acount() of a relation", model="corpus.Doctor", path="patient_set"),
    on(
        "S47e",
        "a key read in sync_to_async(), rows from an async comprehension",
        model="corpus.Patient",
        path="gp",
        fix='.select_related("gp")',
        saved=6,
    ),
    on("S47f", "acreate()", kind="write_loop", model="corpus.Tag", path=None, origin=None),
    on(
        "S47g",
        "aexists() of a relation",
        model="corpus.Book",
        path="review_set",
        fix='.annotate(has_review=Exists(Review.objects.filter(book=OuterRef("pk"))))',
        saved=6,
    ),
    on("S47h", "asave()", kind="write_loop", model="corpus.Book", path=None, origin=None),
    on(
        "S47i",
        "afirst() in a coroutine that the loop awaits",
        model="corpus.Book",
        path="tags",
        callers=("S47i via",),
    ),
    on(
        "S61",
        "a worker thread for each row, with a copy of the context",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        saved=6,
    ),
    on(
        "S61b",
        "a task for each row",
        model="corpus.Patient",
        path="gp",
        fix='.select_related("gp")',
        saved=6,
    ),
)
