"""Must be flagged: properties, texts and templates, where no view's code shows the read (S38, S39)."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.views.generic import ListView

from tests.nplusone.case import Case, maker
from tests.nplusone.models import Book, Doctor, Edition, Patient, Visit


def s38() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S38 origin
        byline = book.byline  # S38 via
        found.append(byline)
    return found


def s38_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").select_related("author"):
        byline = book.byline
        found.append(byline)
    return found


def s38b() -> Any:
    return [str(edition) for edition in Edition.objects.order_by("pk")]  # S38b via; S38b origin


def s38b_fixed() -> Any:
    return [str(edition) for edition in Edition.objects.order_by("pk").select_related("book")]


def s38c() -> Any:
    return "; ".join(f"{visit}" for visit in Visit.objects.all())  # S38c via; S38c origin


def s38c_fixed() -> Any:
    return "; ".join(f"{visit}" for visit in Visit.objects.all().select_related("who"))


def s38d() -> Any:
    found = []
    for patient in Patient.objects.order_by("pk"):  # S38d origin
        found.append(patient.summary())  # S38d via
        assert patient.pk
    return found


def s38d_fixed() -> Any:
    found = []
    for patient in Patient.objects.order_by("pk").select_related("gp__home"):
        found.append(patient.summary())
        assert patient.pk
    return found


def s38e() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # S38e origin
        reviews = book.reviewed()  # S38e via
        found.append((book.title, reviews))
    return found


def s38e_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").annotate(review_count=Count("review", distinct=True)):
        reviews = book.review_count
        found.append((book.title, reviews))
    return found


def s39() -> Any:
    books = Book.objects.order_by("pk")
    return render_to_string("corpus/books.html", {"books": books})  # S39 origin


def s39_fixed() -> Any:
    books = Book.objects.order_by("pk").select_related("author")
    return render_to_string("corpus/books.html", {"books": books})


def _shelf(doctors: QuerySet[Doctor]) -> HttpResponse:
    request = RequestFactory().get("/")
    return render(request, "corpus/shelf.html", {"doctors": doctors})  # S39b origin


def s39b() -> Any:
    return _shelf(Doctor.objects.order_by("pk")).content


def s39b_fixed() -> Any:
    return _shelf(Doctor.objects.order_by("pk").prefetch_related("patient_set")).content


class BylineList(ListView):  # S39c origin
    queryset = Book.objects.order_by("pk")
    template_name = "corpus/bylines.html"
    paginate_by = 6


class FixedBylineList(BylineList):
    queryset = Book.objects.order_by("pk").select_related("author")


def _shown(view: type[ListView[Book]]) -> str:
    response = view.as_view()(RequestFactory().get("/"))
    return str(response.render().content)


def s39c() -> Any:
    return _shown(BylineList)


def s39c_fixed() -> Any:
    return _shown(FixedBylineList)


def _tagged(books: list[Book]) -> str:
    return render_to_string("corpus/tagged.html", {"books": books})


def s39d() -> Any:
    books = list(Book.objects.select_related("author__publisher").order_by("pk"))  # S39d origin
    return _tagged(books)


def s39d_fixed() -> Any:
    found = Book.objects.select_related("author__publisher").order_by("pk")
    return _tagged(list(found.prefetch_related("tags")))


def s39e() -> Any:
    books = list(Book.objects.order_by("pk").prefetch_related("tags"))  # S39e origin
    return _tagged(books)


def s39e_fixed() -> Any:
    found = Book.objects.order_by("pk").prefetch_related("tags")
    return _tagged(list(found.select_related("author__publisher")))


def s39f() -> Any:
    template = Template("{% for p in patients %}{{ p.gp.full_name }}{% endfor %}")
    context = Context({"patients": Patient.objects.order_by("pk")})
    return template.render(context)  # S39f access; S39f origin


def s39f_fixed() -> Any:
    template = Template("{% for p in patients %}{{ p.gp.full_name }}{% endfor %}")
    context = Context({"patients": Patient.objects.order_by("pk").select_related("gp")})
    return template.render(context)


def _row_of(template: str, rows: Any) -> str:
    return render_to_string(template, {"rows": list(rows)})  # S39i origin


def s39g() -> Any:
    books = list(Book.objects.order_by("pk"))  # S39g origin
    return render_to_string("corpus/counts.html", {"rows": books})


def s39g_fixed() -> Any:
    found = Book.objects.order_by("pk").annotate(review_count=Count("review", distinct=True))
    return render_to_string("corpus/counts_fixed.html", {"rows": list(found)})


def s39h() -> Any:
    patients = Patient.objects.order_by("pk")
    return render_to_string("corpus/regrouped.html", {"rows": list(patients)})  # S39h origin


def s39h_fixed() -> Any:
    patients = Patient.objects.order_by("pk").select_related("gp__home")
    return render_to_string("corpus/regrouped.html", {"rows": list(patients)})


def s39i() -> Any:
    return _row_of("corpus/lengths.html", Book.objects.order_by("pk"))


def s39i_fixed() -> Any:
    return _row_of("corpus/lengths.html", Book.objects.order_by("pk").prefetch_related("tags"))


def s39j() -> Any:
    books = list(Book.objects.order_by("pk"))  # S39j origin
    return render_to_string("corpus/tags.html", {"rows": books})


def s39j_fixed() -> Any:
    books = list(Book.objects.order_by("pk").select_related("category"))
    return render_to_string("corpus/tags.html", {"rows": books})


on = maker(globals(), kind="n_plus_one", saved=6)

CASES: tuple[Case, ...] = (
    on(
        "S38",
        "a property reads a relation",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        access="byline access",
        callers=("S38 via",),
    ),
    on(
        "S38b",
        "__str__ reads a relation, called by str()",
        model="corpus.Edition",
        path="book",
        fix='.select_related("book")',
        access="Edition access",
        callers=("S38b via",),
    ),
    on(
        "S38c",
        "__str__ in an f-string in a generator that str.join() drains",
        model="corpus.Visit",
        path="who",
        fix='.select_related("who")',
        access="Visit access",
        callers=("S38c via",),
        saved=12,
    ),
    on(
        "S38d",
        "a method reads a chain",
        model="corpus.Patient",
        path="gp__home",
        fix='.select_related("gp__home")',
        access="summary access",
        callers=("S38d via",),
        saved=12,
    ),
    on(
        "S38e",
        "a method counts",
        model="corpus.Book",
        path="review_set",
        fix='.annotate(review_count=Count("review", distinct=True))',
        says=("review_count",),
        access="reviewed access",
        callers=("S38e via",),
    ),
    on(
        "S39",
        "a template reads a key of rows it evaluates itself",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
    ),
    on(
        "S39b",
        "an included template loops over a relation",
        model="corpus.Doctor",
        path="patient_set",
        fix='.prefetch_related("patient_set")',
        saved=5,
    ),
    on(
        "S39c",
        "a generic ListView with pages, its template calls a property",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        access="byline access",
        callers=("S39c via",),
        beside=(FixedBylineList,),
    ),
    on(
        "S39d",
        "{% if %} on a relation, rows evaluated in the view",
        model="corpus.Book",
        path="tags",
        fix='.prefetch_related("tags")',
        saved=5,
    ),
    on(
        "S39e",
        "a template filter reads a chain",
        model="corpus.Book",
        path="author__publisher",
        fix='.select_related("author__publisher")',
        callers=("S39e via",),
        saved=12,
    ),
    on(
        "S39f",
        "a template without a file: the line that renders it is named",
        model="corpus.Patient",
        path="gp",
        fix='.select_related("gp")',
    ),
    on(
        "S39g",
        "a template counts a relation",
        model="corpus.Book",
        path="review_set",
        fix='.annotate(review_count=Count("review", distinct=True))',
        says=("review_count",),
    ),
    on(
        "S39h",
        "{% regroup %} by a chain",
        model="corpus.Patient",
        path="gp__home",
        fix='.select_related("gp__home")',
        saved=12,
    ),
    on(
        "S39i",
        "the length of a relation, in a block of a template that extends another",
        model="corpus.Book",
        path="tags",
        fix='.prefetch_related("tags")',
        saved=5,
    ),
    on(
        "S39j",
        "an inclusion tag reads a relation of the row it is given",
        model="corpus.Book",
        path="category",
        fix='.select_related("category")',
    ),
)
