"""Must be flagged: Django REST framework, with the serializer and its field (S40, S41)."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

import json
from typing import Any

from django.db.models import Count
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.pagination import PageNumberPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.test import APIRequestFactory
from rest_framework.viewsets import ReadOnlyModelViewSet

from tests.nplusone.case import Case, maker
from tests.nplusone.models import Author, Book, Doctor, Patient, Tag


class AuthorSerializer(serializers.ModelSerializer):
    class Meta:
        model = Author
        fields = ("name",)


class BookSerializer(serializers.ModelSerializer):
    author = AuthorSerializer()

    class Meta:
        model = Book
        fields = ("title", "author")


def s40() -> Any:
    return BookSerializer(Book.objects.order_by("pk"), many=True).data  # S40 origin


def s40_fixed() -> Any:
    return BookSerializer(Book.objects.order_by("pk").select_related("author"), many=True).data


class KindSerializer(serializers.ModelSerializer):
    kind = serializers.CharField(source="category.name")

    class Meta:
        model = Book
        fields = ("title", "kind")


def s40b() -> Any:
    return KindSerializer(Book.objects.order_by("pk"), many=True).data  # S40b origin


def s40b_fixed() -> Any:
    return KindSerializer(Book.objects.order_by("pk").select_related("category"), many=True).data


class PatientSerializer(serializers.ModelSerializer):
    floor = serializers.IntegerField(source="bed_in.floor")

    class Meta:
        model = Patient
        fields = ("surname", "floor", "reacts_to")


class DoctorSerializer(serializers.ModelSerializer):
    patients = PatientSerializer(source="patient_set", many=True)

    class Meta:
        model = Doctor
        fields = ("full_name", "patients")


def s40c() -> Any:
    doctors = Doctor.objects.order_by("pk")
    return json.dumps(DoctorSerializer(doctors, many=True).data, default=str)  # S40c origin


def s40c_fixed() -> Any:
    doctors = Doctor.objects.order_by("pk").prefetch_related(
        "patient_set__reacts_to", "patient_set__bed_in"
    )
    return json.dumps(DoctorSerializer(doctors, many=True).data, default=str)


class BookList(ListAPIView):  # S40d origin
    queryset = Book.objects.order_by("pk")
    serializer_class = BookSerializer
    renderer_classes = (JSONRenderer,)
    authentication_classes = ()
    permission_classes = ()


class FixedBookList(BookList):
    queryset = Book.objects.order_by("pk").select_related("author")


def _answered(view: type[ListAPIView]) -> Any:
    return view.as_view()(APIRequestFactory().get("/")).render().content


def s40d() -> Any:
    return _answered(BookList)


def s40d_fixed() -> Any:
    return _answered(FixedBookList)


class EditionNamesSerializer(serializers.ModelSerializer):
    editions = serializers.StringRelatedField(many=True)

    class Meta:
        model = Book
        fields = ("title", "editions")


def s40e() -> Any:
    return EditionNamesSerializer(Book.objects.order_by("pk"), many=True).data  # S40e origin


def s40e_fixed() -> Any:
    books = Book.objects.order_by("pk").prefetch_related("editions")
    return EditionNamesSerializer(books, many=True).data


class TagSlugsSerializer(serializers.ModelSerializer):
    tags = serializers.SlugRelatedField(slug_field="name", many=True, read_only=True)
    author = serializers.SlugRelatedField(slug_field="name", read_only=True)

    class Meta:
        model = Book
        fields = ("title", "tags", "author")


def s40f() -> Any:
    return TagSlugsSerializer(Book.objects.order_by("pk"), many=True).data  # S40f origin


def s40f_fixed() -> Any:
    books = Book.objects.order_by("pk").select_related("author").prefetch_related("tags")
    return TagSlugsSerializer(books, many=True).data


class DeepSerializer(serializers.ModelSerializer):
    class Meta:
        model = Book
        fields = ("title", "category")
        depth = 1


def s40g() -> Any:
    return DeepSerializer(Book.objects.order_by("pk"), many=True).data  # S40g origin


def s40g_fixed() -> Any:
    return DeepSerializer(Book.objects.order_by("pk").select_related("category"), many=True).data


class BylineSerializer(serializers.ModelSerializer):
    class Meta:
        model = Book
        fields = ("byline",)


def s40h() -> Any:
    return BylineSerializer(Book.objects.order_by("pk"), many=True).data  # S40h origin


def s40h_fixed() -> Any:
    return BylineSerializer(Book.objects.order_by("pk").select_related("author"), many=True).data


class FloorSerializer(serializers.ModelSerializer):
    floor = serializers.ReadOnlyField(source="gp.home.floor")

    class Meta:
        model = Patient
        fields = ("surname", "floor")


def s40i() -> Any:
    return FloorSerializer(Patient.objects.order_by("pk"), many=True).data  # S40i origin


def s40i_fixed() -> Any:
    patients = Patient.objects.order_by("pk").select_related("gp__home")
    return FloorSerializer(patients, many=True).data


class WordsSerializer(serializers.BaseSerializer):
    def to_representation(self, book: Book) -> str:
        return f"{book.title} by {book.author.name}"  # S40j access


def s40j() -> Any:
    return WordsSerializer(Book.objects.order_by("pk"), many=True).data  # S40j origin


def s40j_fixed() -> Any:
    return WordsSerializer(Book.objects.order_by("pk").select_related("author"), many=True).data


class TagSerializer(serializers.ModelSerializer):
    class Meta:
        model = Tag
        fields = ("name",)


class ShelvedSerializer(serializers.ModelSerializer):
    tags = TagSerializer(many=True)

    class Meta:
        model = Book
        fields = ("title", "tags")


class ShelfSerializer(serializers.ModelSerializer):
    books = ShelvedSerializer(many=True)
    publisher = serializers.PrimaryKeyRelatedField(read_only=True)

    class Meta:
        model = Author
        fields = ("name", "books", "publisher")


class Pages(PageNumberPagination):
    page_size = 6


class ShelfViews(ReadOnlyModelViewSet):  # S40k origin
    queryset = Author.objects.order_by("pk")
    serializer_class = ShelfSerializer
    pagination_class = Pages
    renderer_classes = (JSONRenderer,)
    authentication_classes = ()
    permission_classes = ()


class FixedShelfViews(ShelfViews):
    queryset = Author.objects.order_by("pk").prefetch_related("books__tags")


def _listed(views: type[ReadOnlyModelViewSet]) -> Any:
    return views.as_view({"get": "list"})(APIRequestFactory().get("/")).render().content


def s40k() -> Any:
    return _listed(ShelfViews)


def s40k_fixed() -> Any:
    return _listed(FixedShelfViews)


def s40m() -> Any:
    return [ShelvedSerializer(b).data for b in Book.objects.order_by("pk")]  # S40m origin; S40m via


def s40m_fixed() -> Any:
    books = Book.objects.order_by("pk").prefetch_related("tags")
    return [ShelvedSerializer(b).data for b in books]


class CountedSerializer(serializers.ModelSerializer):
    reviews = serializers.SerializerMethodField()

    class Meta:
        model = Book
        fields = ("title", "reviews")

    def get_reviews(self, book: Book) -> int:
        return book.review_set.count()  # S41 access


class FixedCountedSerializer(CountedSerializer):
    def get_reviews(self, book: Any) -> int:
        return book.review_count


def s41() -> Any:
    return CountedSerializer(Book.objects.order_by("pk"), many=True).data  # S41 origin


def s41_fixed() -> Any:
    books = Book.objects.order_by("pk").annotate(review_count=Count("review", distinct=True))
    return FixedCountedSerializer(books, many=True).data


class CountedList(BookList):
    serializer_class = CountedSerializer

    def get_queryset(self) -> Any:
        return Book.objects.filter(price__gt=0).order_by("pk")


class FixedCountedList(BookList):
    serializer_class = FixedCountedSerializer

    def get_queryset(self) -> Any:
        books = Book.objects.filter(price__gt=0).order_by("pk")
        return books.annotate(review_count=Count("review", distinct=True))


def s41b() -> Any:
    return _answered(CountedList)


def s41b_fixed() -> Any:
    return _answered(FixedCountedList)


on = maker(globals(), kind="n_plus_one", access=None, saved=6)

CASES: tuple[Case, ...] = (
    on(
        "S40",
        "a nested serializer",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        function="BookSerializer.author",
    ),
    on(
        "S40b",
        "source= through a relation",
        model="corpus.Book",
        path="category",
        fix='.select_related("category")',
        function="KindSerializer.kind",
    ),
    on(
        "S40c",
        "a list in a list: source=, a key and the keys of a many-to-many relation",
        model="corpus.Doctor",
        path="patient_set__bed_in, patient_set__reacts_to",
        fix='.prefetch_related("patient_set__bed_in", "patient_set__reacts_to")',
        saved=15,
    ),
    on(
        "S40d",
        "a generic view with a nested serializer",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        function="BookSerializer.author",
        beside=(FixedBookList,),
    ),
    on(
        "S40e",
        "StringRelatedField(many=True); __str__ reads the row it came from: no statement more",
        model="corpus.Book",
        path="editions",
        fix='.prefetch_related("editions")',
        function="EditionNamesSerializer.editions",
        saved=5,
    ),
    on(
        "S40f",
        "SlugRelatedField, to one and to many",
        model="corpus.Book",
        path="author, tags",
        fix='.select_related("author").prefetch_related("tags")',
        saved=11,
    ),
    on(
        "S40g",
        "depth = 1",
        model="corpus.Book",
        path="category",
        fix='.select_related("category")',
        function="DeepSerializer.category",
    ),
    on(
        "S40h",
        "a property of the model as a field",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        access="byline access",
    ),
    on(
        "S40i",
        "source= through a chain",
        model="corpus.Patient",
        path="gp__home",
        fix='.select_related("gp__home")',
        function="FloorSerializer.floor",
        saved=12,
    ),
    on(
        "S40j",
        "to_representation() of the site's own",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        access="S40j access",
    ),
    on(
        "S40k",
        "a viewset with pages, lists in lists",
        model="corpus.Author",
        path="books__tags",
        fix='.prefetch_related("books__tags")',
        beside=(FixedShelfViews,),
        saved=10,
    ),
    on(
        "S40m",
        "a serializer made for each row",
        model="corpus.Book",
        path="tags",
        fix='.prefetch_related("tags")',
        function="ShelvedSerializer.tags",
        callers=("S40m via",),
        saved=5,
    ),
    on(
        "S41",
        "SerializerMethodField that counts",
        model="corpus.Book",
        path="review_set",
        fix='.annotate(review_count=Count("review", distinct=True))',
        says=("review_count",),
        access="S41 access",
    ),
    on(
        "S41b",
        "the same in a generic view with get_queryset()",
        model="corpus.Book",
        path="review_set",
        fix='.annotate(review_count=Count("review", distinct=True))',
        says=("review_count",),
        access="S41 access",
        origin=None,
        beside=(FixedCountedList,),
    ),
)
