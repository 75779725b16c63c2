"""The pytest plugin: ``--perfkit=report`` tells what the tests' code does to the database.

Registered through the ``pytest11`` entry point. Off by default, and then no test is touched but
those that ask by themselves: with the ``perfkit`` fixture or the marker's ``max_queries``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from perfkit.recording import record
from perfkit.testing.choice import Choice, add_options, choice
from perfkit.testing.expectation import NAME

if TYPE_CHECKING:
    from perfkit.testing.recorder import Recorder
    from perfkit.testing.watch import Watch

_MARKER = (
    f"{NAME}(max_queries=None, allow=()): the test runs at most so many statements, and accepts "
    "findings of these kinds, kind:Model.path patterns and fingerprints."
)
_CHOICE = pytest.StashKey[Choice]()
_RECORDER = pytest.StashKey["Recorder"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Read the options; where they are on, record each test, and collect in one process."""
    config.addinivalue_line("markers", _MARKER)
    chosen = config.stash[_CHOICE] = choice(config)
    if not chosen.on:
        return
    # Whoever does not use it does not wait for it: not for these modules either, here and below.
    from perfkit.testing.session import Session

    recorder = _recorder(config)
    if not hasattr(config, "workerinput"):  # as pytest-xdist marks its workers
        session = Session(config, chosen, recorder.baseline)
        config.pluginmanager.register(session, "perfkit-session")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Look whether any test asks by itself."""
    if any(
        item.get_closest_marker(NAME) or NAME in getattr(item, "fixturenames", ())
        for item in session.items
    ):
        _recorder(session.config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the boundary off the requests."""
    if _RECORDER in config.stash:
        from perfkit.testing import requests

        requests.uninstall()


@pytest.fixture(name=NAME)
def watch_of_this_test(request: pytest.FixtureRequest) -> Watch:
    """What this test has done so far: ``findings``, ``queries``, ``assert_no_findings()``."""
    return _recorder(request.config).watch(request.node)


def _recorder(config: pytest.Config) -> Recorder:
    """Return what records the tests of this process, made when it is needed."""
    if _RECORDER not in config.stash:
        from perfkit.testing.recorder import Recorder

        config.stash[_RECORDER] = recorder = Recorder(config.stash[_CHOICE], record)
        config.pluginmanager.register(recorder, "perfkit-recorder")
    return config.stash[_RECORDER]
