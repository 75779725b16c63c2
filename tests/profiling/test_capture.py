"""A capture goes into the store and comes back as it was."""

from __future__ import annotations

import json

from perfkit.profiling.capture import (
    CallCount,
    Caller,
    Capture,
    Frame,
    Node,
    Profile,
    Span,
    StackSample,
)


def made() -> Capture:
    """Return a capture with something in every field."""
    return Capture(
        id="abc",
        engine="sampler",
        reason="page",
        owner="1",
        name="books",
        method="GET",
        status=200,
        path="/books/",
        started_at=1.5,
        duration_ms=20.0,
        profile=Profile(
            frames=(Frame("shop/views.py", 3, "books", "site"),),
            nodes=(Node(-1, 0, 4),),
            samples=(StackSample(0.0, 1.5, 0),),
            calls=(CallCount(0, 2, 1, 1.0, 2.0, (Caller(0, 1, 1, 1.0, 1.0),)),),
            own_ms=0.1,
            notes=("cut",),
        ),
        spans=(Span("db", 0.5, 1.0, "SELECT ?", None),),
        record={"statements": 1},
        shapes=(("SELECT ?", 1, 1.0),),
        source={"shop/views.py": {"4": "return 1"}},
    )


def test_it_comes_back_through_json() -> None:
    """What is read is equal to what was written, named tuples and all."""
    capture = made()
    assert Capture.from_dict(json.loads(json.dumps(capture.to_dict()))) == capture


def test_a_newer_version_added_a_key() -> None:
    """A key that this version does not know is no error."""
    assert Capture.from_dict({**made().to_dict(), "later": 1}) == made()
