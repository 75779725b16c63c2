"""A small seeded shop for all tests, and visitors to look at it."""

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command

SMALL = {"products": 60, "suppliers": 8, "customers": 6, "reviews": 300, "orders": 80}


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Seed the test database once; each test's changes are rolled back."""
    with django_db_blocker.unblock():
        call_command("seed", verbosity=0, **SMALL)


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()


@pytest.fixture
def log_in(db):
    """Return a function that logs a client in by a user's name; no name leaves it anonymous."""

    def log_in(client, name):
        client.raise_request_exception = False
        if name:
            client.force_login(User.objects.get(username=name))
        return client

    return log_in
