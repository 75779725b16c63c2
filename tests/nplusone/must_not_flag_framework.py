"""Must stay silent: what Django asks for itself, locks, and rows just made (N07, N21, N23 to N31)."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import Any

from asgiref.sync import async_to_sync
from django import forms
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import UniqueConstraint

from tests.nplusone.case import Case
from tests.nplusone.models import Allergy, Author, Book, Country, Label, Patient, Review, Tag
from tests.nplusone.must_not_flag_models import Shelfmark

#: The table's word for a case of this file; ``severity="info"``: the catalogue allows an info.
silent = partial(Case, kind="")

_FUTURE = datetime(2100, 1, 1, tzinfo=UTC)


def _keys() -> list[Any]:
    return list(Book.objects.order_by("pk").values_list("pk", flat=True))


def n07() -> Any:
    found = []
    with transaction.atomic():
        for key in _keys():
            book = Book.objects.select_for_update().get(pk=key)
            found.append(book.title)
    return found


def n07b() -> Any:
    found = []
    for key in _keys():
        with transaction.atomic():
            book = Book.objects.select_for_update(of=("self",)).filter(pk=key).first()
            assert book is not None
            found.append(book.price)
    return found


def n07c() -> Any:
    found = []
    for title in Book.objects.order_by("pk").values_list("title", flat=True):
        with transaction.atomic():
            books = Book.objects.filter(title=title).select_for_update(no_key=True)
            found += [book.price for book in books]
    return found


def n07d() -> Any:
    def lock(key: Any) -> Book:
        return Book.objects.select_for_update().select_related(None).get(pk=key)

    with transaction.atomic():
        return [lock(key).title for key in _keys()]


def n07e() -> Any:
    async def titles() -> list[str]:
        found = []
        for key in keys:
            book = await Book.objects.select_for_update().aget(pk=key)
            found.append(book.title)
        return found

    with transaction.atomic():
        keys = _keys()
        return async_to_sync(titles)()


def n07f() -> Any:
    with transaction.atomic():
        return [a.books.select_for_update().get().title for a in Author.objects.order_by("pk")]


def n07g() -> Any:
    found = []
    while True:
        with transaction.atomic():
            open_jobs = Book.objects.select_for_update(skip_locked=True).filter(price__gte=0)
            job = open_jobs.order_by("pk").first()
            if job is None:
                return found
            found.append(job.title)
            Book.objects.filter(pk=job.pk).update(price=-1)


def n21() -> Any:
    found = []
    for key in list(Author.objects.order_by("pk").values_list("pk", flat=True)):
        book = Book.objects.create(title="new", author_id=key)
        found.append(book.author.name)
    return found


def n21b() -> Any:
    found = []
    for key in list(Author.objects.order_by("pk").values_list("pk", flat=True)):
        book = Book(title="new", author_id=key)
        book.save()
        found.append(book.byline)
    return found


def n21c() -> Any:
    keys = Author.objects.order_by("pk").values_list("pk", flat=True)
    books = Book.objects.bulk_create([Book(title="new", author_id=key) for key in keys])
    return [book.author.name for book in books]


def n21d() -> Any:
    book = Book.objects.create(title="new", author_id=Author.objects.order_by("pk")[0].pk)
    found = [book.author.name, book.tags.count(), book.review_set.exists(), book.editor]
    return [*found, list(book.notes.all()), list(book.children.all())]


def n21e() -> Any:
    author, found = Author.objects.order_by("pk")[0], []
    for number in range(6):
        book = Book.objects.create(title=str(number), author=author)
        found.append([review.text for review in book.review_set.all()])
    return found


def _faults(thing: Any) -> list[str]:
    try:
        thing.full_clean()
    except ValidationError as error:
        return sorted(error.message_dict)
    return []


def n23() -> Any:
    return [_faults(Tag(name=f"tag {number}")) for number in range(3, 12)]


def n23b() -> Any:
    return [_faults(author) for author in Author.objects.order_by("pk")]


def n23c() -> Any:
    found = []
    for patient in Patient.objects.order_by("pk"):
        patient.clean_fields(exclude=["photo", "chart", "mother"])
        patient.validate_unique()
        patient.validate_constraints()
        found.append(patient.surname)
    return found


def n23d() -> Any:
    return [_faults(Shelfmark(name=f"tag {number}")) for number in range(3, 12)]


def n23e() -> Any:
    rule = UniqueConstraint(fields=["name"], name="rule")
    for number in range(6, 12):
        rule.validate(Tag, Tag(name=f"tag {number}"))
    return Tag.objects.count()


class _AuthorForm(forms.ModelForm):
    class Meta:
        model = Author
        fields = ["name"]


def n23f() -> Any:
    valid = []
    for number in range(3, 12):
        form = _AuthorForm({"name": f"author {number}"})
        valid.append(form.is_valid())
    return valid


def n23g() -> Any:
    formset = forms.modelformset_factory(Tag, fields=["name"], extra=6)
    data = {"form-TOTAL_FORMS": "9", "form-INITIAL_FORMS": "0"}
    data |= {f"form-{number}-name": f"tag {number}" for number in range(9)}
    return [bool(errors) for errors in formset(data, queryset=Tag.objects.none()).errors]


def n23h() -> Any:
    for number in range(6, 12):
        tag = Tag(name=f"tag {number}")
        tag.full_clean()
        tag.save()
    return Tag.objects.count()


def n23i() -> Any:
    kind = ContentType.objects.get_for_model(Book)
    made = [Permission(content_type=kind, codename=f"read_{n}", name="Read") for n in range(6)]
    return [_faults(permission) for permission in made]


def n24() -> Any:
    author = Author.objects.get(name="author 1")
    author.full_clean()
    author.save()
    return author.name


def n24b() -> Any:
    form = _AuthorForm({"name": "renamed"}, instance=Author.objects.get(name="author 1"))
    assert form.is_valid()
    return form.save().name


def n24c() -> Any:
    tag = Tag(name="tag 1")
    return [_faults(tag), _faults(Country(code="c1", name="")), _faults(User(username="ann"))]


def n25() -> Any:
    tags = list(Tag.objects.order_by("pk")[:2])
    for book in Book.objects.order_by("pk"):
        book.tags.set(tags)
    return [book.tags.count() for book in Book.objects.order_by("pk")[:1]]


def n25b() -> Any:
    keys = list(Tag.objects.order_by("-pk").values_list("pk", flat=True)[:3])
    for book in Book.objects.order_by("pk"):
        book.tags.set(keys)
    return Book.tags.through.objects.count()


def _same_tags() -> None:
    for book in Book.objects.all():
        book.tags.set(Tag.objects.order_by("pk")[:2])


def n25c() -> Any:
    found = list(Allergy.objects.order_by("pk")[:2])
    for patient in Patient.objects.order_by("pk"):
        patient.reacts_to.set(found, clear=True)
    return Patient.reacts_to.through.objects.count()


def n25d() -> Any:
    label = Label.objects.order_by("pk")[0]
    for book in Book.objects.prefetch_related("labels").order_by("pk"):
        book.labels.set([label], through_defaults={"weight": 3})
    return Label.books.through.objects.count()


def n25e() -> Any:
    form_class = forms.modelform_factory(Book, fields=["tags"])
    keys = list(Tag.objects.order_by("pk").values_list("pk", flat=True)[:2])
    book = Book.objects.order_by("pk")[0]
    form = form_class({"tags": keys}, instance=book)
    assert form.is_valid()
    form.save()
    return book.tags.count()


def _chain() -> None:
    """Make the tree of books a rope, each hanging on the one before."""
    books = list(Book.objects.order_by("pk"))
    for before, after in pairwise(books):
        after.parent = before
    Book.objects.bulk_update(books, ["parent"])


def n26() -> Any:
    Book.objects.order_by("pk")[0].delete()
    return Book.objects.count()


def n26b() -> Any:
    Author.objects.get(name="author 1").delete()
    return [Book.objects.count(), Author.objects.count()]


def n26c() -> Any:
    Author.objects.filter(name__gt="author 2").delete()
    return [Book.objects.count(), Author.objects.count()]


def n26d() -> Any:
    for patient in Patient.objects.order_by("-pk"):
        patient.delete()
    return Patient.objects.count()


def _features() -> bool:
    """Let Django find out now what it asks a database once only."""
    return bool(connection.features.supports_json_field)


def n28() -> Any:
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith("corpus_b"):
                found.append(connection.introspection.get_table_description(cursor, table))
                found.append(connection.introspection.get_constraints(cursor, table))
    return [len(columns) for columns in found]


def n28b() -> Any:
    found = [len(connection.introspection.table_names()) for _ in range(6)]
    with connection.cursor() as cursor:
        for model in apps.get_app_config("corpus").get_models():
            sql = "SELECT name FROM sqlite_master WHERE tbl_name = %s"
            cursor.execute(sql, [model._meta.db_table])
            found.append(len(cursor.fetchall()))
    return found


def n29() -> Any:
    for _ in range(6):
        with transaction.atomic(), transaction.atomic():
            pass
    return connection.in_atomic_block


def n29b() -> Any:
    with connection.cursor() as cursor:
        for pragma in ("cache_size", "synchronous", "temp_store") * 2:
            cursor.execute(f"PRAGMA {pragma}")
        for _ in range(6):
            cursor.execute("PRAGMA foreign_keys")
    return connection.vendor


def n29c() -> Any:
    return [len(Book.objects.filter(pk=key).explain()) > 0 for key in _keys()]


def n29d() -> Any:
    create = getattr(transaction, "savepoint_create", None) or transaction.savepoint
    for _ in range(6):
        point = create()
        transaction.savepoint_rollback(point)
    return Tag.objects.count()


def _user() -> None:
    user = User.objects.create(username="ann")
    group = Group.objects.create(name="staff")
    group.permissions.set(Permission.objects.all()[:3])
    user.groups.add(group)
    data = SessionStore().encode({"cart": [1]})
    Session.objects.create(session_key="a" * 32, session_data=data, expire_date=_FUTURE)


def n30() -> Any:
    session = SessionStore("a" * 32)
    cart = session["cart"]
    session["cart"] = [*cart, 2]
    session.save()
    user = User.objects.get(username="ann")
    names = [
        f"corpus.{verb}_{noun}" for verb in ("add", "view") for noun in ("tag", "book", "sale")
    ]
    return [session["cart"], [user.has_perm(name) for name in names]]


def n31() -> Any:
    kinds = [ContentType.objects.get_for_model(book) for book in Book.objects.all()]
    return [kind.model for kind in kinds]


def n31b() -> Any:
    ContentType.objects.clear_cache()
    models = apps.get_app_config("corpus").get_models()
    return sorted(ContentType.objects.get_for_model(model).model for model in models)


def n31c() -> Any:
    keys = list(ContentType.objects.order_by("pk").values_list("pk", flat=True))
    ContentType.objects.clear_cache()
    return [ContentType.objects.get_for_id(key).model for key in keys]


def n31d() -> Any:
    ContentType.objects.clear_cache()
    models = list(apps.get_app_config("corpus").get_models())
    return len(ContentType.objects.get_for_models(*models)) == len(models)


def n31e() -> Any:
    ContentType.objects.clear_cache()
    book = Book.objects.order_by("pk")[0]
    return [[note.text for note in book.notes.all()], Review.objects.filter(book=book).count()]


CASES: tuple[Case, ...] = (
    silent("N07", "select_for_update().get() row by row", n07),
    silent("N07b", "a lock of one row in a transaction of its own", n07b),
    silent("N07c", "locks by another column", n07c),
    silent("N07d", "a helper that locks", n07d),
    silent("N07e", "async locks", n07e),
    silent("N07f", "locks through a manager", n07f),
    silent("N07g", "a queue that locks its next job", n07g, also=("write_loop",)),
    silent("N21", "created, then its relation read", n21, also=("write_loop",)),
    silent("N21b", "saved, then a property that reads a relation", n21b, also=("write_loop",)),
    silent("N21c", "created in bulk, then their relations read", n21c),
    silent("N21d", "one object created, then everything read", n21d),
    silent("N21e", "created, then its empty manager read", n21e, also=("write_loop",)),
    silent("N23", "full_clean of unsaved objects with a unique field", n23, severity="info"),
    silent("N23b", "full_clean of saved objects with keys", n23b, severity="info"),
    silent("N23c", "the parts of full_clean, called one by one", n23c, severity="info"),
    silent("N23d", "full_clean with unique constraints", n23d, severity="info"),
    silent("N23e", "a constraint's own validate()", n23e, severity="info"),
    silent("N23f", "a model form for each of many", n23f, severity="info"),
    silent("N23g", "a model formset", n23g, severity="info"),
    silent("N23h", "full_clean, then save", n23h, severity="info", also=("write_loop",)),
    silent("N23i", "full_clean with unique_together", n23i, severity="info"),
    silent("N24", "full_clean and save of one object", n24),
    silent("N24b", "a model form of one object", n24b),
    silent("N24c", "three objects that fail, one line", n24c),
    silent("N25", "set() of a many-to-many relation", n25),
    silent("N25b", "set() of keys", n25b),
    silent("N25c", "set(clear=True)", n25c),
    silent("N25d", "set() of a prefetched relation with a table of its own", n25d),
    silent("N25e", "a form that saves a many-to-many relation", n25e),
    silent("N25f", "set() of what is set already", n25, prepare=_same_tags),
    silent("N26", "delete() down a rope of rows", n26, prepare=_chain),
    silent("N26b", "delete() with many cascades", n26b),
    silent("N26c", "delete() of a queryset with many cascades", n26c),
    silent("N26d", "cascades within a loop of delete()", n26d, also=("write_loop",)),
    silent("N28", "introspection, table by table", n28, prepare=_features),
    silent("N28b", "the catalogue asked by hand", n28b),
    silent("N29", "savepoints", n29),
    silent("N29b", "PRAGMA", n29b),
    silent("N29c", "explain()", n29c),
    silent("N29d", "savepoints by hand", n29d),
    silent("N30", "a session, a user and six permissions", n30, prepare=_user),
    silent("N31", "get_for_model, known already", n31),
    silent("N31b", "get_for_model of each model, none known yet", n31b),
    silent("N31c", "get_for_id of each, none known yet", n31c),
    silent("N31d", "get_for_models, none known yet", n31d),
    silent("N31e", "a generic relation, its type not known yet", n31e),
)
