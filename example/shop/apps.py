"""The shop as a Django app."""

from django.apps import AppConfig


class ShopConfig(AppConfig):
    """A small shop whose pages each show one performance behavior."""

    name = "shop"
