"""The capture pages over a filled store, and users of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client, override_settings

from tests.views.site import OWNER, fill, store_of


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Path:
    """Fill a store once, to be copied."""
    folder = tmp_path_factory.mktemp("filled")
    with django_db_blocker.unblock():  # the store is no database of the site's
        fill(store_of(folder))
    return folder


@pytest.fixture
def store(tmp_path: Path, filled: Path) -> Iterator[dict[str, Any]]:
    """Make a filled store the site's."""
    copytree(filled, tmp_path, dirs_exist_ok=True)
    database = store_of(tmp_path)
    # Nothing of what a test asks is recorded: the store holds what was made, and no thread starts.
    middleware = [name for name in settings.MIDDLEWARE if not name.startswith("perfkit.")]
    with override_settings(
        PERFKIT={"STORE": database}, ROOT_URLCONF="tests.views.site_urls", MIDDLEWARE=middleware
    ):
        yield database


def staff(key: int, *, allowed: bool = True, **fields: Any) -> User:
    """Make a user, of the staff and with the permission unless told otherwise."""
    user = User.objects.create_user(f"user{key}", pk=key, **{"is_staff": True, **fields})
    if allowed:
        user.user_permissions.add(Permission.objects.get(codename="capture_profile"))
    return user


@pytest.fixture
def client(db: None, store: dict[str, Any]) -> Client:
    """Return a browser of the user who owns the captures; it checks CSRF tokens as a real one."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(staff(int(OWNER)))
    return browser


def post(client: Client, url: str, **data: Any) -> Any:
    """Send a form as the page has it, with its token."""
    client.get("/perfkit/")
    token = client.cookies["csrftoken"].value
    return client.post(url, {**data, "csrfmiddlewaretoken": token})
