"""Routes, methods and hosts as nobody should write them: seeded, all different, many nearly alike."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

WORDS = (
    "api",
    "things",
    "shop",
    "book",
    "a",
    "b",
    "GET",
    "requests",
    "404",
    "root",
    "other",
    "x-y",
    "x_y",
    "v1",
)
PARAMETERS = (
    "<int:pk>",
    "<pk>",
    "<slug:pk>",
    "<uuid:id>",
    "<path:rest>",
    "<int:PK>",
    "<lang>",
    "<int:lang>",
)
#: What means something to statsd, to Graphite or to a file system.
MARKS = (
    ":", "|", "#", "@", ";", "=", ",", " ", "\n", "\r\n", "\t", "\0", ".", "..", "/", "//", "\\", "-", "--", "---",
    "_", "__", "~", "!", "^", "$", "*", "?", "[a-z]+", "{2,3}", "(?P<n>\\d+)", "(?:x|y)", "'", '"', "%", "&", "<", ">",
    "`", "+", "|c", ":1|c", ":1|ms|@0.1", "|#k:v", ";k=v", "|c:abc", "|T1700000000", "\nperfkit.self.dropped:9|c",
    "__proto__", "constructor", "hasOwnProperty", "NaN", "1e-05",
)  # fmt: skip
LETTERS = (
    "é", "e\u0301", "ß", "SS", "ı", "I", "ﬁ", "fi", "日本", "ру", "py", "🛒", "\u200b", "\u202e", "\ufeff", "\u2028",
    "\ud800", "Å", "A\u030a", "ﷺ", "\x7f", "\x1b[31m",
)  # fmt: skip
METHODS = (
    "GET",
    "GET",
    "GET",
    "POST",
    "PUT",
    "DELETE",
    "PATCH",
    "HEAD",
    "get",
    "TASK",
    "_OTHER",
    "BREW",
    "G|T",
    "",
    "é",
)


def _path(chance: random.Random) -> str:
    parts = [chance.choice(WORDS + PARAMETERS) for _ in range(chance.randrange(1, 5))]
    number = str(chance.randrange(2_000))
    parts.insert(chance.randrange(len(parts) + 1), number)
    return "/" + "/".join(parts) + chance.choice(("/", "/", ""))


def _task(chance: random.Random) -> str:
    return ".".join(chance.choice(WORDS) for _ in range(3)) + f".t{chance.randrange(20_000)}"


def _pieces(chance: random.Random) -> str:
    pieces = [
        chance.choice(WORDS + PARAMETERS + MARKS + LETTERS) for _ in range(chance.randrange(1, 9))
    ]
    return chance.choice(("/", "")) + "".join(pieces) + chance.choice(("/", ""))


def _any_text(chance: random.Random) -> str:
    return "".join(chr(chance.randrange(1, 0x3000)) for _ in range(chance.randrange(1, 40)))


def _long(chance: random.Random) -> str:
    """Return up to 5,000 characters of which only the last ones differ."""
    base = chance.choice(
        ("/" + "node/" * 1_000, "/" + "x" * 4_990, "/" + "日" * 4_990, "/a b|c:d#")
    )
    return base + str(chance.randrange(100_000))


def _nearly(text: str, chance: random.Random) -> str:
    """Return a text that differs from another in one character, or in its case only."""
    place = chance.randrange(len(text) + 1)
    change = chance.randrange(4)
    if change == 0:
        return text[:place] + chance.choice(MARKS + LETTERS) + text[place:]
    if change == 1:
        return text[:place] + text[place + 1 :]
    return text.swapcase() if change == 2 else text.replace("/", chance.choice(MARKS), 1)


_KINDS: tuple[Callable[[random.Random], str], ...] = (
    _path,
    _path,
    _task,
    _pieces,
    _pieces,
    _any_text,
)


def texts(count: int, seed: int) -> list[str]:
    """Return so many different labels of routes or names of hosts; one in a hundred is very long."""
    chance = random.Random(seed)
    found: dict[str, None] = {}
    last = "/"
    while len(found) < count:
        if chance.random() < 0.3:
            last = _nearly(last, chance)[:6_000]
        else:
            last = _long(chance) if chance.random() < 0.01 else chance.choice(_KINDS)(chance)
        found[last] = None
    return list(found)


def methods(seed: int) -> Iterator[str]:
    """Yield methods as clients send them."""
    chance = random.Random(seed)
    while True:
        yield chance.choice(METHODS)
