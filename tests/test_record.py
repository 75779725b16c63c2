"""Records: frozen, and the same after a trip through JSON."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfkit.record import (
    Asked,
    Built,
    CacheCall,
    EagerLoad,
    Finding,
    Loaded,
    Part,
    Path,
    Query,
    RequestRecord,
    Site,
    finding_from,
)

#: Values of each plain type that JSON can hold.
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8),
    int: st.integers(0, 2**40),
    float: st.floats(0, 1e9, allow_nan=False),
    bool: st.booleans(),
    NoneType: st.none(),
}


@cache
def any_of(hint: Any) -> st.SearchStrategy[Any]:
    """Make values of a type as fields declare it: every field of every class is filled."""
    if hint in PLAIN:
        return PLAIN[hint]
    if get_origin(hint) in (Union, UnionType):
        return st.one_of(*sorted(map(any_of, get_args(hint)), key=lambda each: each is not NONE))
    if get_origin(hint) is tuple:
        first, *rest = get_args(hint)
        if rest == [...]:
            return st.lists(st.deferred(lambda: any_of(first)), max_size=2).map(tuple)
        return st.tuples(*map(any_of, get_args(hint)))
    fields = get_type_hints(hint)
    return st.builds(
        hint, **{name: st.deferred(lambda at=at: any_of(at)) for name, at in fields.items()}
    )


NONE = PLAIN[NoneType]
RECORD = any_of(RequestRecord)
FINDING = any_of(Finding)


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


LINE = Site("f", 1, "g")
ROOT = Loaded("m", LINE, built=Built(joined=("a",), only=("b",)))
ASKED = Asked("m", "n", "forward", False, Loaded("o", None, "join", "p", ROOT), detail=("d",))
FOUND = Finding(
    "k",
    "info",
    "m",
    1,
    1,
    1.0,
    "f",
    access=LINE,
    loop=LINE,
    callers=(LINE,),
    parts=(Part("p", 1, 1, 1.0, LINE, (LINE,), "s"),),
)


def test_unknown_keys_of_a_newer_version_are_ignored() -> None:
    """An old perfreport reads what a new worker wrote, on every level."""
    record = RequestRecord(
        queries=(Query("s", "s", "SELECT", ("t",), "default", 0.0, 1.0, 0, site=LINE),),
        paths=(Path((LINE,), ASKED, 0, LINE),),
        cache_calls=(CacheCall("default", "get", 0.0, 1.0, 1, 0),),
        findings=(FOUND,),
        eager_loads=(EagerLoad("m", "n", "select_related", LINE, 1, False),),
    )

    def extended(value: Any) -> Any:
        if isinstance(value, dict):
            return {**{key: extended(each) for key, each in value.items()}, "added_later": 1}
        return [extended(each) for each in value] if isinstance(value, list) else value

    assert RequestRecord.from_dict(extended(record.to_dict())) == record


def test_missing_keys_of_an_older_version_are_defaults() -> None:
    """A new perfreport reads what an old worker wrote."""
    assert RequestRecord.from_dict({"route": "/"}) == RequestRecord(route="/")


def test_what_an_older_version_did_not_know_is_a_default() -> None:
    """On every level: a path without a loop, rows without the way they were built, a finding whole."""
    record = RequestRecord(
        paths=(Path((LINE,), Asked("m", "n", "forward", False, Loaded("o", LINE))),),
        findings=(Finding("k", "info", "m", 1, 1, 1.0, "f"),),
    )
    data = record.to_dict()
    for late in ("loop", "access", "is_async", "column"):
        del data["paths"][0][late]
    asked = data["paths"][0]["asked"]
    for late in ("lookups", "refined", "detail", "recursive"):
        del asked[late]
    for late in ("built", "step", "parent", "times"):
        del asked["origin"][late]
    for late in ("parts", "callers", "loop"):
        del data["findings"][0][late]
    del data["eager_loads"]
    assert RequestRecord.from_dict(data) == record


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


def test_a_path_is_named_by_one_of_its_lines() -> None:
    """The innermost, or the one that was chosen; a path without a line has no name."""
    inner, outer = Site("a.py", 1, "f"), Site("b.py", 2, "g")
    assert Path((inner, outer), None).site == inner
    assert Path((inner, outer), None, access=1).site == outer
    assert Path((), None).site is None
