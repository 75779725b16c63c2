"""Nodes of metric names: safe in statsd and Graphite, different for different labels, readable."""

from __future__ import annotations

import re
import string
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.metrics.node import (
    NODE_LIMIT,
    host_label,
    host_node,
    lower_case,
    method_node,
    route_node,
)

#: What find, render, Grafana and file names all take.
SAFE = re.compile(r"[A-Za-z0-9_-]+")

#: Pieces that are most likely to meet in one name.
PIECES = (
    "/", "_", "-", "--", ".", " ", ":", "a", "A", "ä", "404", "root", "lang", "int",
    "<a>", "<int:a>", "<int:a-b>", "<a:b>", "<lang>", "<int:lang>", "<:a>", "---", "task",
)  # fmt: skip

labels = st.one_of(
    st.text(max_size=40),
    st.text(alphabet=string.printable, max_size=40),
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=12).map(lambda pieces: "/" + "".join(pieces) + "/"),
    st.text(min_size=1, max_size=10).map(lambda text: text * 500),
)


@pytest.mark.parametrize(
    ("label", "node"),
    [
        ("/", "_root"),
        ("_404", "_404"),
        ("_unrouted", "_unrouted"),
        ("_other", "_other"),
        ("/api/things/<int:pk>/", "api--things--_pk_"),
        ("/api/things/<int:pk>", "api--things--_pk_-"),
        ("/api/things", "api--things-"),
        ("/my-page_2/", "my-page_2"),
        ("/tags/<slug:tag>/", "tags--_slug-tag_"),
        ("/users/<name>/", "users--_-name_"),
        ("/<lang>/p/<int:i>/", "_lang_--p--_i_"),
        ("shop.tasks.charge_card", "_task--shop--tasks--charge_card"),
        ("charge", "_task--charge"),
    ],
)
def test_common_labels_read_as_their_paths(label: str, node: str) -> None:
    """No hash where the path can be told back from the node."""
    assert route_node(label) == node


@pytest.mark.parametrize(
    ("label", "readable"),
    [
        ("/feed.xml", "feed_xml"),
        ("/(?:old|new)/([a-z]+)", "old_new--a_z"),
        ("/_404/", "404"),
        ("/_root/", "root"),
        ("_root", "root"),
        ("/<int:other>/", "int_other"),
        ("/<int:lang>/p/", "int_lang--p"),
        ("/größe/", "gr_e"),
        ("//", "_"),
        ("", "_"),
        ("celery._private", "celery--private"),
        ("/a:b|c#d@e f\ng/", "a_b_c_d_e_f_g"),
    ],
)
def test_what_a_node_cannot_say_is_in_a_hash(label: str, readable: str) -> None:
    """As much as can be read stands before the hash, which is the same in every process."""
    node = route_node(label)
    assert re.fullmatch(re.escape(readable) + "---[0-9a-f]{12}", node)


def test_the_hash_is_stable() -> None:
    """A series goes on after a restart and an upgrade."""
    assert route_node("/feed.xml") == "feed_xml---3ad98898d314"


@given(labels)
def test_every_node_is_safe(label: str) -> None:
    """Any text at all gives a node that is neither empty, unsafe nor too long."""
    for node in (route_node(label), host_node(label), lower_case(route_node(label))):
        assert SAFE.fullmatch(node)
        assert len(node) <= NODE_LIMIT + 15
    assert len(route_node(label)) <= NODE_LIMIT
    assert route_node(label) == route_node(label)


@given(labels, labels)
def test_two_labels_have_two_nodes(one: str, two: str) -> None:
    """No route's figures ever land in another's series."""
    assert (route_node(one) == route_node(two)) == (one == two)
    assert (host_node(one) == host_node(two)) == (one == two)


@given(labels, st.sampled_from("ab/_-.<>: \n"))
def test_a_small_difference_is_a_difference(label: str, more: str) -> None:
    """One character at either end is enough, however long the label."""
    texts = {label, label + more, more + label}
    assert len({route_node(text) for text in texts}) == len(texts)


def test_no_two_of_many_likely_labels_meet() -> None:
    """Every combination of four pieces of names, marks and parameters: 280,000 labels.

    In small letters too, and where a server cuts ``_`` off the end, as Datadog's does.
    """
    made = {"".join(pieces) for pieces in product((*PIECES, ""), repeat=4)}
    nodes = {route_node(label) for label in made}
    assert len(nodes) == len(made)
    assert len({lower_case(node).rstrip("_") for node in nodes}) == len(nodes)


@pytest.mark.parametrize("label", ["/" + "node/" * 100, "/" + "x" * 181 + "/", "/" + "y" * 5000])
def test_a_long_path_is_cut_and_hashed(label: str) -> None:
    """Plain words too need a hash when not all of them fit."""
    node = route_node(label)
    assert re.fullmatch(r"[a-z-]{1,135}---[0-9a-f]{12}", node)
    assert node != route_node(label + "x/")


def test_upper_case_is_kept_apart() -> None:
    """Django's routes are case-sensitive, and so are the nodes."""
    assert route_node("/Shop/") != route_node("/shop/")


def test_small_letters_keep_two_nodes_apart() -> None:
    """What had capitals gets a hash; what had none, or has one already, stays as it is."""
    assert re.fullmatch("shop---[0-9a-f]{12}", lower_case(route_node("/Shop/")))
    assert lower_case(route_node("/shop/")) == "shop"
    assert lower_case(route_node("/Feed.xml")).count("---") == 1


@pytest.mark.parametrize(
    ("method", "node"),
    [("GET", "GET"), ("TASK", "TASK"), ("_OTHER", "_OTHER"), ("get", "_OTHER"), ("", "_OTHER")],
)
def test_a_method_is_one_of_few(method: str, node: str) -> None:
    """HTTP's, a task's, and one for all that a client makes up."""
    assert method_node(method) == node


@pytest.mark.parametrize(
    ("host", "node"),
    [
        ("web-1", "web-1"),
        ("web-1.example.com", "web-1--example--com"),
        ("my_host", "my_host"),
        ("host..x", "host--x---"),
        ("höst", "h_st---"),
        ("x" * 300, "x" * 135 + "---"),
    ],
)
def test_a_host_is_one_node(host: str, node: str) -> None:
    """Its dots are no nodes of their own."""
    found = host_node(host)
    assert found == node if "---" not in node else found[:-12] == node


@pytest.mark.parametrize(
    ("host", "label"),
    [
        ("web-1.example.com", "web-1.example.com"),
        ("shop-web-7d9f8b6c5d-x2x4z", "shop-web"),
        ("web-0", "web-0"),
        ("web-12345", "web-12345"),
        ("f3a9c1d2e4b5", "container"),
        ("ip-10-0-3-17", "ip-10-0-3-17"),
    ],
)
def test_names_drawn_at_every_start_are_left_off(host: str, label: str) -> None:
    """A deploy makes no new series: a pod has its Deployment's name, a container none."""
    assert host_label(host) == label
