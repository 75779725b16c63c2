"""A small site with its own tests, which each test here runs in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

#: The inner tests' rows: enough that a loop over them warns.
ROWS = 12
#: What an inner run does without: each costs more to load than our plugin to run.
PLUGINS = ("cacheprovider", "hypothesispytest", "xdist")

SETTINGS = """
    SECRET_KEY = "of the inner tests only"
    INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "shop"]
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
    ROOT_URLCONF = "shop.urls"
    STATIC_URL = "/static/"
    USE_TZ = True
    MIDDLEWARE = %r
    PERFKIT = {"STORE": False}
"""
MODELS = """
    from django.db import models

    class Author(models.Model):
        name = models.CharField(max_length=50)

    class Book(models.Model):
        title = models.CharField(max_length=50)
        author = models.ForeignKey(Author, models.CASCADE)
"""
VIEWS = """
    from django.http import HttpResponse
    from django.urls import path
    from shop.models import Book

    def books(request):
        return HttpResponse(" ".join(book.author.name for book in Book.objects.all()))

    def book(request, pk):
        return HttpResponse(Book.objects.get(pk=pk).title)

    urlpatterns = [path("books/", books), path("books/<int:pk>/", book)]
"""
SHELF = f"""
    from shop.models import Author, Book

    def fill():
        for number in range({ROWS}):
            Book.objects.create(title=str(number), author=Author.objects.create(name=str(number)))

    def names():
        return [book.author.name for book in Book.objects.all()]
"""
CONFTEST = """
    import pytest
    from shop.shelf import fill

    @pytest.fixture
    def books(db):
        fill()

    @pytest.fixture
    def anyio_backend():
        return "asyncio"
"""
INI = """
    [pytest]
    DJANGO_SETTINGS_MODULE = shop.settings
    filterwarnings = error
"""
HEAD = """import pytest
from shop.models import Author, Book
from shop.shelf import fill, names
"""
MIDDLEWARE = ("perfkit.middleware.PerfkitMiddleware",)


class Shop:
    """The inner site.

    Attributes:
        path: its folder.
        plugins: those of ``PLUGINS`` that a run has all the same.
    """

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.plugins: tuple[str, ...] = ()
        self.path: Path = pytester.path
        self.write("shop/__init__.py", "")
        self.write("shop/models.py", MODELS)
        self.write("shop/urls.py", VIEWS)
        self.write("shop/shelf.py", SHELF)
        self.write("conftest.py", CONFTEST)
        self.configure_pytest()
        self.configure()

    def configure(self, middleware: tuple[str, ...] = MIDDLEWARE) -> None:
        """Write the settings."""
        self.write("shop/settings.py", SETTINGS % (list(middleware),))

    def write(self, name: str, text: str) -> Path:
        """Write a file of the site; the text may be indented."""
        file = self.path / name
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return file

    def configure_pytest(self, *lines: str) -> None:
        """Write pytest's ini file, with further lines."""
        self.write("pytest.ini", dedent(INI) + "\n".join(lines))

    def run(self, tests: str, *options: str) -> pytest.RunResult:
        """Run these tests, as a developer does: a process of its own, from the site's folder."""
        self.write("test_shop.py", HEAD + dedent(tests))
        return self.again(*options)

    def again(self, *options: str) -> pytest.RunResult:
        """Run the tests that are there."""
        left_out = [name for name in PLUGINS if name not in self.plugins]
        without = [word for name in left_out for word in ("-p", f"no:{name}")]
        return self._pytester.runpytest_subprocess(*without, *options)

    def json(self, tests: str, *options: str) -> list[dict[str, Any]]:
        """Run these tests and return the findings of ``--perfkit-json``."""
        self.run(tests, "--perfkit=report", "--perfkit-json=found.json", *options)
        told = json.loads((self.path / "found.json").read_text(encoding="utf-8"))
        findings: list[dict[str, Any]] = told["findings"]
        return findings


@pytest.fixture
def shop(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Make the inner site."""
    # The outer tests' settings are in the environment, which goes before the ini file.
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    return Shop(pytester)


def section(result: pytest.RunResult) -> list[str]:
    """Return the lines of the plugin's section of the summary."""
    lines = result.stdout.lines
    (at,) = [number for number, line in enumerate(lines) if line.strip("= ") == "perfkit"]
    end = next(number for number in range(at + 1, len(lines)) if lines[number].startswith("==="))
    return lines[at + 1 : end]
