"""Metric names: safe in statsd and Graphite, different for different labels, readable."""

from __future__ import annotations

import re
import string
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.metrics.route import metric_name

#: What find, render, Grafana and file names all take.
SAFE = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")

#: Pieces that are most likely to meet in one name.
PIECES = (
    "/", "_", "-", "--", ".", " ", ":", "a", "A", "ä", "404", "root", "lang", "int",
    "<a>", "<int:a>", "<int:a-b>", "<a:b>", "<lang>", "<int:lang>", "<:a>",
)  # fmt: skip

labels = st.one_of(
    st.text(max_size=40),
    st.text(alphabet=string.printable, max_size=40),
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=12).map(lambda pieces: "/" + "".join(pieces) + "/"),
    st.text(min_size=1, max_size=10).map(lambda text: text * 500),
)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("/", "_root"),
        ("_404", "_404"),
        ("_unrouted", "_unrouted"),
        ("_other", "_other"),
        ("/api/things/<int:pk>/", "api.things._pk_"),
        ("/api/things/<int:pk>", "api.things._pk__"),
        ("/api/things", "api.things_"),
        ("/my-page_2/", "my-page_2"),
        ("/tags/<slug:tag>/", "tags._slug-tag_"),
        ("/users/<name>/", "users._-name_"),
        ("/<lang>/p/<int:i>/", "_lang_.p._i_"),
    ],
)
def test_common_labels_read_as_their_paths(label: str, name: str) -> None:
    """No hash where the path can be told back from the name."""
    assert metric_name(label) == name


@pytest.mark.parametrize(
    ("label", "readable"),
    [
        ("/feed.xml", "feed_xml"),
        ("/(?:old|new)/([a-z]+)", "old_new.a_z"),
        ("/_404/", "404"),
        ("/_root/", "root"),
        ("_root", "root"),
        ("/größe/", "gr_e"),
        ("//", "_"),
        ("", "_"),
    ],
)
def test_what_a_name_cannot_say_is_in_a_hash(label: str, readable: str) -> None:
    """As much as can be read stands before the hash, which is the same in every process."""
    name = metric_name(label)
    assert re.fullmatch(re.escape(readable) + "--[0-9a-f]{12}", name)


def test_the_hash_is_stable() -> None:
    """A series goes on after a restart and an upgrade."""
    assert metric_name("/feed.xml") == "feed_xml--3ad98898d314"


@given(labels)
def test_every_name_is_safe(label: str) -> None:
    """Any text at all gives nodes that are neither empty, unsafe nor too long."""
    name = metric_name(label)
    assert SAFE.fullmatch(name)
    assert len(name) <= 150
    assert metric_name(label) == name


@given(labels, st.integers(min_value=24, max_value=1000))
def test_a_limit_holds_and_no_node_is_too_long(label: str, limit: int) -> None:
    """A file system takes each node, and the caller decides on the whole."""
    name = metric_name(label, limit)
    assert SAFE.fullmatch(name)
    assert len(name) <= limit
    assert max(map(len, name.split("."))) <= 200


@given(labels, labels)
def test_two_labels_have_two_names(one: str, two: str) -> None:
    """No route's figures ever land in another's series."""
    assert (metric_name(one) == metric_name(two)) == (one == two)


@given(labels, st.sampled_from("ab/_-.<>: \n"))
def test_a_small_difference_is_a_difference(label: str, more: str) -> None:
    """One character at either end is enough, however long the label."""
    names = {metric_name(label), metric_name(label + more), metric_name(more + label)}
    assert len(names) == len({label, label + more, more + label})


def test_no_two_of_many_likely_labels_meet() -> None:
    """Every combination of four pieces of names, marks and parameters: 200,000 labels."""
    made = {"".join(pieces) for pieces in product((*PIECES, ""), repeat=4)}
    assert len({metric_name(label) for label in made}) == len(made)


@pytest.mark.parametrize("label", ["/" + "node/" * 100, "/" + "x" * 181 + "/"])
def test_a_long_path_is_cut_and_hashed(label: str) -> None:
    """Plain words too need a hash when not all of them fit."""
    name = metric_name(label, 190)
    assert re.fullmatch(r"[a-z.]{1,176}--[0-9a-f]{12}", name)
    assert name != metric_name(label + "x/", 190)


def test_upper_case_is_kept_apart() -> None:
    """Django's routes are case-sensitive, and so are the names."""
    assert metric_name("/Shop/") != metric_name("/shop/")


def test_a_limit_without_room_for_the_hash_is_refused() -> None:
    """Below it names could not differ."""
    with pytest.raises(ValueError, match="at least 24 characters, not 23"):
        metric_name("/", 23)
