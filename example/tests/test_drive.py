"""The load driver against a real server."""

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from drive import drive

from tests.conftest import SMALL


@pytest.fixture
def site(live_server):
    """Seed again, as the server's tests end by emptying the database; give the base URL."""
    call_command("seed", verbosity=0, **SMALL)
    return live_server.url


def test_each_request_is_answered_as_planned(site):
    """Logins, writes, errors and aborted exports are all answered as the plan says."""
    # One connection: the threads of the test server share one SQLite connection. The seed draws
    # every kind of step into few requests.
    outcome = drive(site, requests=150, seed=3, connections=1)
    assert outcome.problems == []
    assert len(outcome.answers) == 150
    assert {step.status for step, _ in outcome.answers} == {200, 302, 404, 500}


def test_unexpected_answers_are_told(site):
    """A shop that lacks a planned customer answers the login otherwise, which is a problem."""
    User.objects.filter(username__startswith="customer").update(is_active=False)
    problems = drive(site, requests=150, seed=3, connections=1).problems
    assert "/login/: expected 302, got 200" in problems


def test_site_that_is_not_there_is_an_error():
    """Nothing listens: the first request says so."""
    with pytest.raises(OSError, match="refused"):
        drive("http://127.0.0.1:9", requests=2)
