"""Must be flagged: the admin's lists and forms, with the class to edit (S42, S43)."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.admin import ModelAdmin, display
from django.contrib.auth.models import User
from django.forms import formset_factory
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.test import RequestFactory, override_settings

from tests.nplusone.case import Case, maker
from tests.nplusone.models import Book, Doctor, Edition, Patient, Stock, Visit
from tests.nplusone.urls import site


def _page(view: Callable[..., Any], *arguments: Any) -> str:
    """Return what a superuser is shown, but for what differs from one page to the next."""
    request = RequestFactory().get("/admin/")
    request.user = User(pk=1, username="root", is_staff=True, is_active=True, is_superuser=True)
    with override_settings(ROOT_URLCONF="tests.nplusone.urls"):
        response = view(request, *arguments)
        response.render()
    text = response.content.decode()
    return text[text.index("<main") :] if "<main" in text else text


def _listed(admin: type[ModelAdmin[Any]], model: type[Any]) -> str:
    page = _page(admin(model, site).changelist_view)
    return page[page.index("<tbody>") : page.index("</tbody>")]


class BookAdmin(ModelAdmin):  # S42 origin
    list_display = ("title", "byline")


class FixedBookAdmin(BookAdmin):
    list_select_related = ("author",)


def s42() -> Any:
    return _listed(BookAdmin, Book)


def s42_fixed() -> Any:
    return _listed(FixedBookAdmin, Book)


class PatientAdmin(ModelAdmin):  # S42b origin
    list_display = ("surname", "doctor_name", "floor")

    @display(description="doctor")
    def doctor_name(self, patient: Patient) -> str:
        return patient.gp.full_name  # S42b access

    def floor(self, patient: Patient) -> int:
        return patient.gp.home.floor


class FixedPatientAdmin(PatientAdmin):
    list_select_related = ("gp__home",)


def s42b() -> Any:
    return _listed(PatientAdmin, Patient)


def s42b_fixed() -> Any:
    return _listed(FixedPatientAdmin, Patient)


class TaggedAdmin(ModelAdmin):  # S42c origin
    list_display = ("title", "tagged", "author")

    def tagged(self, book: Book) -> str:
        return ", ".join(sorted(tag.name for tag in book.tags.all()))  # S42c access


class FixedTaggedAdmin(TaggedAdmin):
    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("tags")


def s42c() -> Any:
    return _listed(TaggedAdmin, Book)


def s42c_fixed() -> Any:
    return _listed(FixedTaggedAdmin, Book)


class CountedAdmin(ModelAdmin):  # S42d origin
    list_display = ("full_name", "patients")

    def patients(self, doctor: Doctor) -> int:
        return doctor.patient_set.count()  # S42d access


def s42d() -> Any:
    return _listed(CountedAdmin, Doctor)


class JoinedAdmin(ModelAdmin):  # S42e origin
    list_display = ("title", "parent_title")
    list_select_related = ("author",)

    def parent_title(self, book: Book) -> str:
        return (book.parent.title if book.parent else "") + book.author.name  # S42e access


class FixedJoinedAdmin(JoinedAdmin):
    list_select_related = ("author", "parent")


def s42e() -> Any:
    return _listed(JoinedAdmin, Book)


def s42e_fixed() -> Any:
    return _listed(FixedJoinedAdmin, Book)


class EditionForm(forms.Form):
    edition = forms.ModelChoiceField(Edition.objects.order_by("pk"))


class FixedEditionForm(forms.Form):
    edition = forms.ModelChoiceField(Edition.objects.order_by("pk").select_related("book"))


def s43() -> Any:
    return str(EditionForm())  # S43 via


def s43_fixed() -> Any:
    return str(FixedEditionForm())


class VisitField(forms.ModelChoiceField):
    def label_from_instance(self, visit: Any) -> str:
        return f"{visit.day}, {visit.who.gp.full_name}"  # S43b access


class VisitForm(forms.Form):
    visit = VisitField(Visit.objects.all())


class FixedVisitForm(forms.Form):
    visit = VisitField(Visit.objects.all().select_related("who__gp"))


def s43b() -> Any:
    return VisitForm().as_p()  # S43b via


def s43b_fixed() -> Any:
    return FixedVisitForm().as_p()


class StockForm(forms.ModelForm):
    class Meta:
        model = Stock
        fields = ("book", "copies")


def s43c() -> Any:
    formset = formset_factory(StockForm, extra=6)
    return render_to_string("corpus/formset.html", {"formset": formset()})


on = maker(globals(), kind="n_plus_one", saved=6)

CASES: tuple[Case, ...] = (
    on(
        "S42",
        "list_display names a property of the model",
        model="corpus.Book",
        path="author",
        fix='list_select_related = ("author",)',
        access="byline access",
        beside=(FixedBookAdmin,),
    ),
    on(
        "S42b",
        "methods of the ModelAdmin read a chain and a part of it",
        model="corpus.Patient",
        path="gp__home",
        fix='list_select_related = ("gp__home",)',
        access=None,
        saved=12,
        beside=(FixedPatientAdmin,),
    ),
    on(
        "S42c",
        "a method reads a many-to-many relation; a key in list_display is joined by the admin",
        model="corpus.Book",
        path="tags",
        fix='.prefetch_related("tags")',
        says=("get_queryset",),
        saved=5,
        beside=(FixedTaggedAdmin,),
    ),
    on(
        "S42d",
        "a method counts",
        model="corpus.Doctor",
        path="patient_set",
        says=("get_queryset",),
    ),
    on(
        "S42e",
        "list_select_related is there and lacks one",
        model="corpus.Book",
        path="parent",
        fix='list_select_related = ("author", "parent")',
        saved=5,
        beside=(FixedJoinedAdmin,),
    ),
    on(
        "S43",
        "a select whose labels come from __str__",
        model="corpus.Edition",
        path="book",
        fix='.select_related("book")',
        access="Edition access",
        origin=None,
        saved=12,
        beside=(FixedEditionForm,),
    ),
    on(
        "S43b",
        "label_from_instance() reads a chain",
        model="corpus.Visit",
        path="who__gp",
        fix='.select_related("who__gp")',
        origin=None,
        saved=24,
        beside=(FixedVisitForm,),
    ),
    on(
        "S43c",
        "a formset reads the same choices for each form",
        kind="duplicate_query",
        model="corpus.Book",
        path="",
        fix="",
        access=None,
        function="StockForm.book",
        origin=None,
        saved=5,
    ),
)
