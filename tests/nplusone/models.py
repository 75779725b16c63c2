"""Two small worlds with one of each relation: a book trade, and a clinic under other names.

Nothing of perfkit is imported here: the same models run under other tools too. In the clinic every
key is a UUID or a slug, few relations have a ``related_name`` and no attribute bears its model's name,
so that what holds for books is not tuned to books.
"""

from __future__ import annotations

from uuid import uuid4

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models.signals import post_save
from django.dispatch import receiver


class Publisher(models.Model):
    name = models.CharField(max_length=50)


class Imprint(models.Model):
    """A key that is no number."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    name = models.CharField(max_length=50)


class Country(models.Model):
    """Pointed at by a unique column that is not the primary key."""

    code = models.CharField(max_length=8, unique=True)
    name = models.CharField(max_length=50)


class Category(models.Model):
    slug = models.SlugField(primary_key=True)
    name = models.CharField(max_length=50)


class Tag(models.Model):
    name = models.CharField(max_length=50, unique=True)


class Label(models.Model):
    name = models.CharField(max_length=50)


class Author(models.Model):
    name = models.CharField(max_length=50, unique=True)
    publisher = models.ForeignKey(Publisher, models.CASCADE, related_name="authors")
    imprint = models.ForeignKey(Imprint, models.CASCADE, related_name="authors")
    country = models.ForeignKey(Country, models.CASCADE, to_field="code", related_name="authors")


class Profile(models.Model):
    """Every author has one."""

    author = models.OneToOneField(Author, models.CASCADE, related_name="profile")
    motto = models.CharField(max_length=50)


class Agent(models.Model):
    """Only every second author has one."""

    client = models.OneToOneField(Author, models.CASCADE, related_name="agent")
    name = models.CharField(max_length=50)


class Note(models.Model):
    text = models.CharField(max_length=50)
    content_type = models.ForeignKey(ContentType, models.CASCADE, null=True)
    object_id = models.PositiveIntegerField(null=True)
    subject = GenericForeignKey()


class Book(models.Model):
    title = models.CharField(max_length=50)
    body = models.TextField(default="")
    price = models.IntegerField(default=0)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    editor = models.ForeignKey(Author, models.CASCADE, null=True, related_name="edited")
    category = models.ForeignKey(Category, models.CASCADE, null=True, related_name="books")
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")
    tags = models.ManyToManyField(Tag, related_name="books")
    labels = models.ManyToManyField(Label, through="Labelling", related_name="books")
    notes = GenericRelation(Note)

    @property
    def byline(self) -> str:
        """A relation read where no view's code shows it."""
        return f"{self.title} by {self.author.name}"  # byline access

    def reviewed(self) -> int:
        """Count where no view's code shows it."""
        return self.review_set.count()  # reviewed access


class Labelling(models.Model):
    """A many-to-many relation's own table, with a column of its own."""

    book = models.ForeignKey(Book, models.CASCADE)
    label = models.ForeignKey(Label, models.CASCADE)
    weight = models.IntegerField(default=1)


class Review(models.Model):
    """No ``related_name``: the accessor and the name in lookups differ."""

    book = models.ForeignKey(Book, models.CASCADE)
    text = models.CharField(max_length=50)
    stars = models.IntegerField(default=0)


class Edition(models.Model):
    """Its text needs its book."""

    book = models.ForeignKey(Book, models.CASCADE, related_name="editions")
    year = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.book.title}, {self.year}"  # Edition access


class Sale(models.Model):
    """Saving one runs a handler that reads."""

    book = models.ForeignKey(Book, models.CASCADE, related_name="sales")
    amount = models.IntegerField(default=1)


class Stock(models.Model):
    book = models.OneToOneField(Book, models.CASCADE, related_name="stock")
    copies = models.IntegerField(default=100)


@receiver(post_save, sender=Sale)
def take_from_stock(sender: type[Sale], instance: Sale, **kwargs: object) -> None:
    """Read on every save, far from the loop that saves."""
    stock = Stock.objects.get(book_id=instance.book_id)  # take_from_stock access
    instance.left = stock.copies - instance.amount


class Place(models.Model):
    name = models.CharField(max_length=50)


class Cafe(Place):
    """A multi-table child."""

    seats = models.IntegerField(default=0)


# The clinic.


class Ward(models.Model):
    code = models.SlugField(primary_key=True)
    floor = models.IntegerField(default=0)


class Doctor(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid4)
    licence = models.CharField(max_length=20, unique=True)
    full_name = models.CharField(max_length=50)
    home = models.ForeignKey(Ward, models.CASCADE)


class Badge(models.Model):
    """A one-to-one key that is its primary key too, without ``related_name``."""

    holder = models.OneToOneField(Doctor, models.CASCADE, primary_key=True)
    color = models.CharField(max_length=20)


class Allergy(models.Model):
    name = models.CharField(max_length=50)


class Patient(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid4)
    surname = models.CharField(max_length=50)
    chart = models.TextField(default="")
    photo = models.TextField(default="")
    gp = models.ForeignKey(Doctor, models.CASCADE)
    surgeon = models.ForeignKey(
        Doctor, models.CASCADE, null=True, to_field="licence", related_name="operated"
    )
    bed_in = models.ForeignKey(Ward, models.CASCADE, related_name="+")
    mother = models.ForeignKey("self", models.CASCADE, null=True)
    reacts_to = models.ManyToManyField(Allergy)

    def summary(self) -> str:
        """A method two relations deep."""
        return f"{self.surname}: {self.gp.home.floor}"  # summary access


class Visit(models.Model):
    """Its name in lookups differs from its accessor."""

    who = models.ForeignKey(
        Patient, models.CASCADE, related_name="visits", related_query_name="appointment"
    )
    day = models.DateField()
    fee = models.IntegerField(default=0)
    paid = models.BooleanField(default=False)

    class Meta:
        ordering = ["day"]

    def __str__(self) -> str:
        return f"{self.who.surname} on {self.day}"  # Visit access
