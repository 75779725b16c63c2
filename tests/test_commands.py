"""Management commands: recorded by the block or the decorator of `perfkit.record()`."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

import perfkit
from perfkit.record import RequestRecord
from tests.library.models import Book
from tests.library.shelves import ROWS, fill

pytestmark = pytest.mark.django_db


class Names(BaseCommand):
    """A command as a site writes it."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the author of each book."""
        for book in Book.objects.all():
            self.stdout.write(book.author.name)


class Watched(Names):
    """A command that tells about itself."""

    def tell(self, record: RequestRecord) -> None:
        """Write what was found to the log of the command."""
        for finding in record.findings:
            self.stderr.write(f"{finding.origin}: {finding.fix}")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run as before, recorded."""
        with perfkit.record(self.tell):
            super().handle(*args, **options)


class Broken(BaseCommand):
    """A command that ends in the middle."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Fail after the first statement."""
        Book.objects.count()
        raise CommandError("enough")


def test_a_command_is_recorded_from_outside() -> None:
    """As a test or a shell runs it: what it prints stays the same."""
    fill()
    told = StringIO()
    with perfkit.record() as record:
        call_command(Names(), stdout=told)
    assert len(told.getvalue().splitlines()) == ROWS
    assert record.statements == ROWS + 1
    (finding,) = record.findings
    assert (finding.kind, finding.model, finding.path) == (
        "n_plus_one",
        "library.Book",
        "author",
    )
    assert finding.origin is not None
    assert finding.origin.function == "Names.handle"


def test_a_command_records_itself() -> None:
    """One `with` in `handle`, and it says what to change each time it runs."""
    fill()
    errors = StringIO()
    call_command(Watched(), stdout=StringIO(), stderr=errors)
    assert '.select_related("author")' in errors.getvalue()


def test_a_command_that_fails_is_recorded() -> None:
    """Its error passes, and the statements before it are told."""
    records: list[RequestRecord] = []
    run = perfkit.record(records.append)(call_command)
    with pytest.raises(CommandError, match="enough"):
        run(Broken())
    assert [record.statements for record in records] == [1]
