"""The interpreter's switch interval is the site's again when nothing is sampled, whatever happened."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from django.test import RequestFactory

from perfkit.observation import RUNNING, Observation
from perfkit.profiling.sampler import sampler
from perfkit.profiling.switching import SHORT_S, Switching
from tests.profiling.conftest import CapturedSite


@pytest.fixture
def switching() -> Iterator[Switching]:
    """Make one that is set back."""
    made = Switching()
    yield made
    made.restore()


def is_short() -> bool:
    """Tell whether the interval is shortened."""
    return sys.getswitchinterval() < 2 * SHORT_S


def test_it_is_short_while_one_request_runs_alone(switching: Switching) -> None:
    """And what it was before, afterwards."""
    before = sys.getswitchinterval()
    switching.adapt(1)
    assert is_short()
    switching.adapt(1)
    switching.restore()
    assert sys.getswitchinterval() == before
    switching.restore()


def test_it_is_left_alone_where_requests_compete(switching: Switching) -> None:
    """Others that run in a busy process would change places all the time."""
    others = [
        Observation(RequestFactory().get("/"), None, False, lambda done: None) for _ in range(2)
    ]
    try:
        before = sys.getswitchinterval()
        switching.adapt(1)
        assert sys.getswitchinterval() == before
        switching.adapt(2)
        assert is_short()
        switching._share = 1.0
        switching.adapt(1)
        assert sys.getswitchinterval() == before
    finally:
        for each in others:
            RUNNING.pop(id(each))


def test_an_interval_that_the_site_sets_meanwhile_stays(switching: Switching) -> None:
    """It is the site's."""
    before = sys.getswitchinterval()
    switching.adapt(1)
    sys.setswitchinterval(0.05)
    switching.restore()
    changed = sys.getswitchinterval()
    sys.setswitchinterval(before)
    assert changed == pytest.approx(0.05)


def test_a_child_has_the_sites(switching: Switching) -> None:
    """None of our threads is there that would set it back."""
    before = sys.getswitchinterval()
    switching.adapt(1)
    child = os.fork()
    if not child:
        os._exit(0 if sys.getswitchinterval() == before else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_after_a_capture_it_is_as_before(captured: CapturedSite) -> None:
    """The thread sets it back as it ends."""
    before = sys.getswitchinterval()
    captured.get("/work/", captured.token("/work/"))
    assert sampler().wait_for_end(20)
    assert sys.getswitchinterval() == before
