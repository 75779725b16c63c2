"""Tell tests where the real servers answer: what ``make services`` started."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

#: The folder of the checkout's services, or PERFKIT_SERVICES: the suite may run from a copy elsewhere.
FOLDER = Path(os.environ.get("PERFKIT_SERVICES") or Path(__file__).parents[1] / ".services")


def started() -> dict[str, str]:
    """Return every name and value that the running services gave."""
    try:
        answers = json.loads((FOLDER / "environment.json").read_text())
    except FileNotFoundError:
        return {}
    return {name: value for answer in answers.values() for name, value in answer.items()}


def service(name: str) -> str:
    """Return what a service is reached by; skip the test where it does not run, and fail it under CI.

    Args:
        name: such as "PERFKIT_TEST_STATSD"; a variable of the environment of that name goes first.
    """
    value = os.environ.get(name) or started().get(name)
    if value is None:
        reason = f"{name} is not known to {FOLDER / 'environment.json'}: run `make services`"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason} (CI skips nothing)")
        pytest.skip(reason)
    return value
