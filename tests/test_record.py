"""Records: frozen, and the same after a trip through JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfkit.record import (
    Asked,
    CacheCall,
    Finding,
    Loaded,
    Path,
    Query,
    RequestRecord,
    Site,
    finding_from,
)

TEXT = st.text(max_size=8)
COUNT = st.integers(0, 2**40)
MS = st.floats(0, 1e9, allow_nan=False)
SITE = st.builds(Site, TEXT, COUNT, TEXT)
LOADED = st.recursive(
    st.none(),
    lambda parent: st.builds(Loaded, TEXT, st.none() | SITE, TEXT, st.booleans(), parent, TEXT),
    max_leaves=4,
)
ASKED = st.builds(Asked, TEXT, TEXT, TEXT, st.booleans(), LOADED, TEXT)
FINDING = st.builds(
    Finding,
    *[TEXT] * 3,
    COUNT,
    COUNT,
    MS,
    TEXT,
    access=st.none() | SITE,
    origin=st.none() | SITE,
    fix=TEXT,
)
RECORD = st.builds(
    RequestRecord,
    route=TEXT,
    status=COUNT,
    duration_ms=MS,
    cpu_ms=st.none() | MS,
    response_bytes=st.none() | COUNT,
    aborted=st.booleans(),
    queries=st.lists(
        st.builds(
            Query,
            *[TEXT] * 3,
            st.lists(TEXT, max_size=2).map(tuple),
            TEXT,
            MS,
            MS,
            COUNT,
            st.none() | COUNT,
            st.booleans(),
            st.booleans(),
            st.none() | SITE,
        ),
        max_size=3,
    ).map(tuple),
    paths=st.lists(
        st.builds(Path, st.lists(SITE, max_size=3).map(tuple), st.none() | ASKED), max_size=3
    ).map(tuple),
    cache_calls=st.lists(st.builds(CacheCall, TEXT, TEXT, MS, MS, COUNT, COUNT), max_size=2).map(
        tuple
    ),
    findings=st.lists(FINDING, max_size=2).map(tuple),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RECORD)
def test_a_record_survives_json(record: RequestRecord) -> None:
    """Written, read and rebuilt, it equals itself, whatever it holds."""
    assert RequestRecord.from_dict(json.loads(json.dumps(record.to_dict()))) == record


@settings(deadline=None)
@given(FINDING)
def test_a_finding_survives_json(finding: Finding) -> None:
    """A finding is stored by itself."""
    assert finding_from(json.loads(json.dumps(dataclasses.asdict(finding)))) == finding


def test_unknown_keys_of_a_newer_version_are_ignored() -> None:
    """An old perfreport reads what a new worker wrote, on every level."""
    record = RequestRecord(
        queries=(Query("s", "s", "SELECT", ("t",), "default", 0.0, 1.0, 0, site=Site("f", 1, "")),),
        paths=(Path((Site("f", 1, "g"),), Asked("m", "n", "forward", False, None)),),
        cache_calls=(CacheCall("default", "get", 0.0, 1.0, 1, 0),),
        findings=(Finding("k", "info", "m", 1, 1, 1.0, "f", access=Site("f", 1, "")),),
    )

    def extended(value: Any) -> Any:
        if isinstance(value, dict):
            return {**{key: extended(each) for key, each in value.items()}, "added_later": 1}
        return [extended(each) for each in value] if isinstance(value, list) else value

    assert RequestRecord.from_dict(extended(record.to_dict())) == record


def test_missing_keys_of_an_older_version_are_defaults() -> None:
    """A new perfreport reads what an old worker wrote."""
    assert RequestRecord.from_dict({"route": "/"}) == RequestRecord(route="/")


def test_what_is_no_record_is_refused() -> None:
    """Data of another shape is an error, not a half-empty record."""
    with pytest.raises(TypeError):
        RequestRecord.from_dict({"findings": [{"kind": "n_plus_one"}]})


def test_records_are_frozen() -> None:
    """Every surface reads the same facts."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        RequestRecord().status = 500  # type: ignore[misc]  # that is the test


def test_a_site_reads_as_a_line() -> None:
    """As editors understand it; a template has no function."""
    assert str(Site("shop/views.py", 7, "page")) == "shop/views.py:7 in page"
    assert str(Site("shop/page.html", 7, "")) == "shop/page.html:7"


def test_a_path_is_named_by_its_innermost_line() -> None:
    """A path without a line has no name."""
    inner, outer = Site("a.py", 1, "f"), Site("b.py", 2, "g")
    assert Path((inner, outer), None).site == inner
    assert Path((), None).site is None
