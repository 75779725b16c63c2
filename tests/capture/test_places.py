"""Whose line it is: the site's own, a package's, or the framework's."""

from __future__ import annotations

import json
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import django
import pytest

import perfkit
from perfkit.capture import places
from perfkit.capture.places import Owner, is_host, owner_of, set_user_folders, short_name

PURE = sysconfig.get_path("purelib")


@pytest.fixture(autouse=True)
def no_user_folders() -> Iterator[None]:
    """Leave the table of owners as a fresh process has it."""
    set_user_folders(())
    yield
    set_user_folders(())


@pytest.mark.parametrize(
    ("filename", "owner"),
    [
        (__file__, Owner.SITE),
        ("/srv/shop/views.py", Owner.SITE),
        (f"{PURE}/oscar/apps/basket/models.py", Owner.PACKAGE),
        ("/usr/lib/python3/dist-packages/oscar/models.py", Owner.PACKAGE),
        (f"{PURE}/single_module.py", Owner.PACKAGE),
        (f"{PURE}/gunicorn/workers/sync.py", Owner.FRAMEWORK),
        (f"{PURE}/asgiref/sync.py", Owner.FRAMEWORK),
        (f"{Path(django.__file__).parent}/db/models/query.py", Owner.FRAMEWORK),
        (f"{Path(perfkit.__file__).parent}/middleware.py", Owner.FRAMEWORK),
        (json.__file__, Owner.FRAMEWORK),
        (f"{sysconfig.get_path('scripts')}/gunicorn", Owner.PACKAGE),
        ("<string>", Owner.FRAMEWORK),
        ("<frozen importlib._bootstrap>", Owner.FRAMEWORK),
        ("<unknown source>", Owner.FRAMEWORK),
    ],
)
def test_every_file_has_an_owner(filename: str, owner: Owner) -> None:
    """Reports name lines that somebody can edit."""
    assert owner_of(filename) is owner


def test_a_folder_that_looks_like_a_package_is_none() -> None:
    """Only a whole path part counts: a site may well be called django-shop."""
    assert owner_of("/srv/django/shop/views.py") is Owner.SITE
    assert owner_of(str(Path(django.__file__).parent) + "-shop/views.py") is not Owner.FRAMEWORK


def test_user_folders_are_the_sites_own(tmp_path: Path) -> None:
    """A team's shared packages are theirs although they are installed."""
    shared = tmp_path / "site-packages" / "shared"
    module = str(shared / "models.py")
    assert owner_of(module) is Owner.PACKAGE
    set_user_folders([str(shared)])
    assert owner_of(module) is Owner.SITE
    assert owner_of(str(shared) + "_other/models.py") is Owner.PACKAGE


def test_a_file_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the second time on an owner is a dict lookup."""
    asked = []
    classify = places._classify

    def counting(filename: str) -> Owner:
        asked.append(filename)
        return classify(filename)

    monkeypatch.setattr(places, "_classify", counting)
    for _ in range(3):
        owner_of("/srv/shop/once.py")
    assert asked == ["/srv/shop/once.py"]


def test_the_table_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that compiles code under ever new names costs no memory for it."""
    monkeypatch.setattr(places, "_MOST_FILES", 10)
    for number in range(35):
        assert owner_of(f"/srv/made/{number}.py") is Owner.SITE
    assert len(places._owners) <= 10


def test_some_code_works_for_classes_of_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages, and the parts of Django that are given classes; the table does not grow either."""
    folder = Path(django.__file__).parent
    assert is_host(f"{PURE}/oscar/apps/basket/views.py")
    assert is_host(str(folder / "contrib" / "admin" / "options.py"))
    assert is_host(str(folder / "forms" / "forms.py"))
    assert not is_host(str(folder / "db" / "models" / "query.py"))
    assert not is_host("/srv/shop/views.py")
    monkeypatch.setattr(places, "_MOST_FILES", 10)
    for number in range(35):
        assert not is_host(f"/srv/made/{number}.py")
    assert len(places._hosts) <= 10


def test_short_names_hold_no_folder_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is what one would import, so that it stays the same between deploys."""
    monkeypatch.setattr(sys, "path", ["/srv/releases/77", "/srv/releases/77/apps", *sys.path])
    assert short_name("/srv/releases/77/shop/views.py") == "shop/views.py"
    assert short_name("/srv/releases/77/apps/cart/views.py") == "cart/views.py"
    assert short_name(f"{PURE}/oscar/models.py") == "oscar/models.py"
    assert short_name("/elsewhere/x.py") == "/elsewhere/x.py"
