"""Of an exception its class is kept, and no text."""

from __future__ import annotations

import pytest
from django.http import HttpRequest

from perfkit.samples.errors import name_of, note

SECRET = "s3cret value"


class Mine(Exception):
    pass


def test_the_name_is_the_class_and_its_module() -> None:
    """What Python itself has goes without the module."""

    class Inner(Exception):
        pass

    assert name_of(None) == ""
    assert name_of(ValueError(SECRET)) == "ValueError"
    assert name_of(Mine(SECRET)) == f"{Mine.__module__}.Mine"
    assert name_of(Inner()).endswith("test_the_name_is_the_class_and_its_module.Inner")


@pytest.mark.parametrize("name", [SECRET, "x" * 500, "ключ", "a-b"])
def test_a_class_named_by_data_is_not_told(name: str) -> None:
    """A class may be made on the fly, with any text for its name."""
    assert name_of(type(name, (Exception,), {})()) == ""


def test_an_error_outside_of_a_request_that_is_observed_is_passed_over() -> None:
    """Another middleware may send the signal for what perfkit never saw."""
    try:
        raise ValueError(SECRET)
    except ValueError:
        note(request=None)
        note(request=HttpRequest())
