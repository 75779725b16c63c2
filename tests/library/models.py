"""One of each relation that a loop can walk over."""

from __future__ import annotations

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models


class Publisher(models.Model):
    name = models.CharField(max_length=50)


class Category(models.Model):
    slug = models.SlugField(primary_key=True)


class Tag(models.Model):
    name = models.CharField(max_length=50)


class Author(models.Model):
    name = models.CharField(max_length=50)
    publisher = models.ForeignKey(Publisher, models.CASCADE, related_name="authors")
    mentor = models.ForeignKey("self", models.CASCADE, null=True, related_name="pupils")


class Profile(models.Model):
    author = models.OneToOneField(Author, models.CASCADE, related_name="profile")
    motto = models.CharField(max_length=50)


class Note(models.Model):
    text = models.CharField(max_length=50)
    content_type = models.ForeignKey(ContentType, models.CASCADE, null=True)
    object_id = models.PositiveIntegerField(null=True)
    subject = GenericForeignKey()


class Book(models.Model):
    title = models.CharField(max_length=50)
    body = models.TextField(default="")
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    editor = models.ForeignKey(Author, models.CASCADE, null=True, related_name="edited")
    category = models.ForeignKey(Category, models.CASCADE, null=True)
    tags = models.ManyToManyField(Tag, related_name="books")
    notes = GenericRelation(Note)

    @property
    def byline(self) -> str:
        """A relation read where no view's code shows it."""
        return f"{self.title} by {self.author.name}"


class Review(models.Model):
    book = models.ForeignKey(Book, models.CASCADE)
    text = models.CharField(max_length=50)


class Audiobook(Book):
    minutes = models.PositiveIntegerField(default=0)
