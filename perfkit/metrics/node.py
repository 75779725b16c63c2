"""One node of a metric's name for each route, method and host: readable, safe, never the same for two.

A node is made of ``[A-Za-z0-9_-]`` only. That is what statsd's sanitizer, carbon, the render API,
Grafana and file systems all leave as it is. A route is one node however many segments its path has,
because ``*`` in a Graphite path stands for one node: ``perfkit.route.*.GET.requests`` is every route.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from perfkit.metrics.route import METHODS, NOT_FOUND, UNROUTED, method_label

#: Longer nodes are cut and get a hash: Graphite makes a folder or a file of each.
NODE_LIMIT: Final = 150

#: Stands between segments of a path. Within a word no two marks follow each other.
_BETWEEN: Final = "--"
#: What follows it is a hash. No other name has three in a row.
_HASHED: Final = "---"
_HASH_CHARS: Final = 12

_WORD: Final = re.compile(r"[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*")
_PARAMETER: Final = re.compile(
    r"<(?:(?P<converter>[A-Za-z0-9_]+):)?(?P<name>[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*)>"
)
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9]+")
#: The labels that are no paths.
_SPECIAL: Final = frozenset((NOT_FOUND, UNROUTED, "_other"))
#: A server that cuts a ``_`` off the end would take these for one of them, or for the root.
_TOO_LIKE_SPECIAL: Final = frozenset(f"{special}_" for special in (*_SPECIAL, "_root"))
#: What a task's record has for a method.
_TASK: Final = "TASK"

# How containers are called: a new one for every start, so that no name would ever be used again.
_DOCKER: Final = re.compile(r"[0-9a-f]{12}|[0-9a-f]{64}")
#: A Deployment's pod: Kubernetes draws both ends from letters that spell no word.
_POD: Final = re.compile(
    r"(?P<name>.+)-[bcdfghjklmnpqrstvwxz2456789]{6,10}-[bcdfghjklmnpqrstvwxz2456789]{5}"
)


def route_node(label: str) -> str:
    """Encode a route's label, or a task's name, as one node.

    ``/`` is ``_root``, ``/api/things/<int:pk>/`` is ``api--things--_pk_``, ``<slug:tag>`` is
    ``_slug-tag_``, ``<tag>`` is ``_-tag_``, the language of i18n is ``_lang_``, a missing slash at the
    end is a ``-`` there, and the task ``shop.tasks.charge`` is ``_task--shop--tasks--charge``. What
    this cannot say (a dot, a regular expression, other alphabets, great length) gets ``---`` and 48
    bits of hash behind as much of it as can be read.
    """
    return _reversible(label) or hashed(label, label.split("/" if label[:1] == "/" else "."))


def method_node(method: str) -> str:
    """Return a method as it is counted: an HTTP method, ``TASK`` or ``_OTHER``."""
    return method if method in METHODS or method == _TASK else method_label(method)


def host_node(host: str) -> str:
    """Encode a host's name as one node: ``web-1.example.com`` is ``web-1--example--com``."""
    words = host.split(".")
    if all(map(_WORD.fullmatch, words)) and len(host) + len(words) <= NODE_LIMIT:
        return _BETWEEN.join(words)
    return hashed(host, words)


def host_label(host: str) -> str:
    """Name a host by what stays when it is replaced: a container's own name is used once.

    A pod is named after what it is a replica of, a bare container ``container``. Sums of several
    replicas in one name are as exact as apart.
    """
    if _DOCKER.fullmatch(host):
        return "container"
    pod = _POD.fullmatch(host)
    return pod["name"] if pod else host


def lower_case(node: str) -> str:
    """Write a node for servers that make all letters small; two nodes stay two."""
    lowered = node.lower()
    return lowered if lowered == node or _HASHED in node else f"{lowered}{_HASHED}{_digest(node)}"


def hashed(text: str, parts: Sequence[str]) -> str:
    """Make a node of what can be read in the parts, and a hash of the whole text."""
    words = (_UNSAFE.sub("_", part).strip("_") for part in parts)
    room = NODE_LIMIT - len(_HASHED) - _HASH_CHARS
    readable = _BETWEEN.join(word for word in words if word)[:room].rstrip("-_")
    return f"{readable or '_'}{_HASHED}{_digest(text)}"


def _reversible(label: str) -> str | None:
    """Encode a label of plain words and parameters; None where two labels could meet.

    A word neither begins nor ends with ``_``, so the marks at either end are ours alone.
    """
    if label == "/":
        return "_root"
    if label in _SPECIAL:
        return label
    if label.startswith("/"):
        *segments, last = label[1:].split("/")
        nodes = [_segment(segment) for segment in (segments if not last else [*segments, last])]
        if segments[:1] == ["<lang>"]:
            nodes[0] = "_lang_"
        elif nodes[0] == "_lang_":
            return None
        end = "-" if last else ""
    else:
        nodes = ["_task", *(word if _WORD.fullmatch(word) else None for word in label.split("."))]
        end = ""
    if None in nodes:
        return None
    name = _BETWEEN.join(map(str, nodes)) + end
    return name if len(name) <= NODE_LIMIT and name not in _TOO_LIKE_SPECIAL else None


def _segment(segment: str) -> str | None:
    if _WORD.fullmatch(segment):
        return segment
    if found := _PARAMETER.fullmatch(segment):
        converter, name = found["converter"], found["name"]
        if converter == "int":
            return f"_{name}_"
        return f"_{converter or ''}-{name}_"
    return None


def _digest(text: str) -> str:
    """Return 12 hexadecimal digits, the same in every process."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
