"""The command ``manage.py seed``: fill the shop with made data."""

from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import fields
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from django.db import transaction
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shop.made_data import (
    ADMIN_NAME,
    ADMIN_PASSWORD,
    CUSTOMER_NAME,
    CUSTOMER_PASSWORD,
    Sizes,
    made_rows,
)
from shop.models import Category, Order, OrderLine, Product, Review, Supplier, Tag

BATCH_ROWS = 1_000


class Command(BaseCommand):
    """Replace all rows of the shop and all users by made ones."""

    help = "Replace all rows of the shop, and all users, by made ones (same seed, same rows)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add one option for each size, the seed and ``--if-empty``."""
        for size in fields(Sizes):
            parser.add_argument(
                f"--{size.name}", type=_positive, default=size.default, help="default: %(default)s"
            )
        parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
        parser.add_argument("--if-empty", action="store_true", help="keep a shop that has products")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write everything in one transaction: a stopped run leaves the former data."""
        if options["if_empty"] and Product.objects.exists():
            return
        sizes = Sizes(**{size.name: options[size.name] for size in fields(Sizes)})
        tables = list(made_rows(sizes, options["seed"]))
        with _progress(hidden=options["verbosity"] == 0) as progress, transaction.atomic():
            bar = progress.add_task("clearing", total=sum(map(len, tables)))
            for model in (OrderLine, Order, Review, Product, Tag, Supplier, Category, User):
                model._default_manager.all().delete()
            for rows in tables:
                model = type(rows[0])
                progress.update(bar, description=str(model._meta.verbose_name_plural))
                for start in range(0, len(rows), BATCH_ROWS):
                    batch = rows[start : start + BATCH_ROWS]
                    model._default_manager.bulk_create(batch)
                    progress.advance(bar, len(batch))
            progress.update(bar, description="seeded")
        if options["verbosity"]:
            customer = CUSTOMER_NAME.format(1)
            self.stdout.write(
                f"Logins: {ADMIN_NAME} / {ADMIN_PASSWORD} (admin), "
                f"{customer} / {CUSTOMER_PASSWORD} (one of {sizes.customers} customers)."
            )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _progress(*, hidden: bool) -> Progress:
    return Progress(
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        disable=hidden,
    )
