"""Further views of the corpus' tables, which ask the database where none would expect it.

They are proxies or unmanaged, so no table is made for them and no relation leads to them. A class
whose methods query is what ``getattr``, ``==``, ``hash``, ``str`` and ``repr`` must not meet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.models.query import ModelIterable

from tests.nplusone.models import Author, Book, Tag


class Shelfmark(models.Model):
    """The table of tags, under a constraint that only validation knows of."""

    name = models.CharField(max_length=50)

    class Meta:
        managed = False
        db_table = "corpus_tag"
        constraints = [
            models.UniqueConstraint(fields=["name"], name="corpus_shelfmark_name"),
            models.UniqueConstraint(
                fields=["name"], condition=~models.Q(name=""), name="corpus_shelfmark_some"
            ),
        ]


class NosyBook(Book):
    """Every protocol that a careless observer would use asks the database."""

    class Meta:
        proxy = True

    def __str__(self) -> str:
        return Author.objects.get(pk=self.author_id).name

    def __repr__(self) -> str:
        return f"<{self}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Book) and str(self) == Author.objects.get(pk=other.author_id).name

    def __hash__(self) -> int:
        return hash(Author.objects.values_list("name", flat=True).get(pk=self.author_id))

    def __bool__(self) -> bool:
        return Author.objects.filter(pk=self.author_id).exists()

    def __len__(self) -> int:
        return Author.objects.count()

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("_", "resolve_", "get_")) or name in {"parent", "books", "tags"}:
            raise AttributeError(name)
        return [name, Tag.objects.count()]


class SpikyBook(Book):
    """Every protocol that a careless observer would use raises."""

    class Meta:
        proxy = True

    def __str__(self) -> str:
        raise ValueError("no text")

    def __repr__(self) -> str:
        raise ValueError("no text")

    def __eq__(self, other: object) -> bool:
        raise ValueError("not to be compared")

    def __hash__(self) -> int:
        raise ValueError("not to be hashed")

    def __bool__(self) -> bool:
        raise ValueError("neither true nor false")

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("_", "resolve_", "get_", "as_")):  # Django itself asks for these
            raise AttributeError(name)
        raise ValueError(name)


class CountedBook(Book):
    """Bears names that an annotation would take."""

    class Meta:
        proxy = True

    @property
    def review_count(self) -> str:
        """Read-only, so that a row with an annotation of this name cannot even be made."""
        return "property"

    @property
    def tags_count(self) -> str:
        """As above, for the many-to-many relation."""
        return "property"

    @property
    def first_review_set(self) -> str:
        """As above, for a prefetch to an attribute."""
        return "property"


class LoudIterable(ModelIterable):
    """A site's own iterable: every row twice, with a mark."""

    def __iter__(self) -> Iterator[Any]:
        for row in super().__iter__():
            row.mark = "loud"
            yield row
            yield row


class LoneIterable(ModelIterable):
    """A site's own iterable that has no use for Django's."""

    def __iter__(self) -> Iterator[Any]:
        queryset = self.queryset
        compiler = queryset.query.get_compiler(using=queryset.db)
        names = [field.attname for field in queryset.model._meta.concrete_fields]
        for values in compiler.results_iter():
            yield queryset.model.from_db(queryset.db, names, values[: len(names)])


class ShoutingQuerySet(models.QuerySet[Any]):
    """Yields whatever its iterable makes of the rows."""

    def loud(self) -> ShoutingQuerySet:
        """Return the rows twice each."""
        found = self._chain()
        found._iterable_class = LoudIterable
        return found

    def lone(self) -> ShoutingQuerySet:
        """Return rows that Django's iterable never saw."""
        found = self._chain()
        found._iterable_class = LoneIterable
        return found


class ShoutedBook(Book):
    """Books with the queryset above."""

    objects: Any = ShoutingQuerySet.as_manager()

    class Meta:
        proxy = True


class StrangeBook(Book):
    """Rows come out of the database as something that is no model instance."""

    class Meta:
        proxy = True

    @classmethod
    def from_db(cls, db: Any, field_names: Any, values: Any, **modes: Any) -> Any:
        """Return a plain tuple."""
        return tuple(values)


class FrozenBook(Book):
    """Rows that let nothing be set on them once they are made."""

    class Meta:
        proxy = True

    @classmethod
    def from_db(cls, db: Any, field_names: Any, values: Any, **modes: Any) -> Any:
        """Freeze the row."""
        row = super().from_db(db, field_names, values, **modes)
        row.__dict__["frozen"] = True
        return row

    def __setattr__(self, name: str, value: Any) -> None:
        if self.__dict__.get("frozen"):
            raise AttributeError(f"{name} is frozen")
        super().__setattr__(name, value)
