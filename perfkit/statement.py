"""What a statement's text tells: its shape, its verb and its tables, with every value masked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

#: Statements that open, close or mark transactions: counted apart, never analyzed.
TRANSACTION_VERBS = frozenset(
    {"BEGIN", "COMMIT", "END", "RELEASE", "ROLLBACK", "SAVEPOINT", "START"}
)
#: Statements that ask or tell the database about itself: counted, never analyzed.
CONTROL_VERBS = frozenset(
    {"ANALYZE", "DISCARD", "EXPLAIN", "LISTEN", "PRAGMA", "RESET", "SET", "SHOW", "USE"}
)
WRITE_VERBS = frozenset({"DELETE", "INSERT", "MERGE", "REPLACE", "TRUNCATE", "UPDATE"})

_VALUE = "?"
_TOKENS = re.compile(
    r"""
    (?P<comment>/\*.*?\*/|--[^\n]*)
    | (?P<string>[eEbBxXnN]?'(?:[^'\\]|''|\\.)*(?:'|\Z))
    | (?P<dollar>\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z))
    | (?P<compared>(?<=[=<>])\s*"(?:[^"]|"")*"(?!\s*\.)
        |(?<=\bLIKE)\s*"(?:[^"]|"")*"(?!\s*\.))
    | (?P<name>"(?:[^"]|"")*"|`[^`]*`|\[[A-Za-z_]\w*\]|[A-Za-z_][\w$]*)
    | (?P<placeholder>%\(\w+\)s|%s|\?\d*|\$\d+|(?<!:):\w+)
    | (?P<number>\d[\w.]*)
    | (?P<space>\s+)
    """,
    re.VERBOSE | re.DOTALL,
)
_PLACEHOLDER = re.compile(r"%\(\w+\)s|%s|\?\d+|\$\d+|(?<!:):\w+")
_LIST = re.compile(r"\(\?(?:, ?\?)+\)")
_ROWS = re.compile(r"(\((?:\?|\?\+)\))(?:, ?\((?:\?|\?\+)\))+")
_TABLE = re.compile(
    r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE)\s+(?:ONLY\s+)?((?:[\"`\[]?[\w$]+[\"`\]]?\.)*[\"`\[]?[\w$]+)",
    re.IGNORECASE,
)
_VERB = re.compile(r"[\s(;]*([A-Za-z]+)")
_BATCH = re.compile(r"\bIN \(\?\+\)", re.IGNORECASE)
_LOCK = re.compile(r"\bFOR (?:NO KEY )?(?:UPDATE|SHARE)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement's text without its values.

    Attributes:
        masked: the text with every literal as ``?``, placeholders as they were, comments gone.
        shape: the text with literals and placeholders as ``?``, lists of them as ``?+``, comments
            and spare blanks gone. Statements of one shape differ only in values.
        verb: the first word, upper case; the main verb after ``WITH``.
        tables: names in the order they appear, without quotes, once each.
        is_read: it only reads rows: a SELECT that takes no lock.
        is_batch: it asks for several keys at once (``IN`` with more than one value).
    """

    masked: str
    shape: str
    verb: str
    tables: tuple[str, ...]
    is_read: bool
    is_batch: bool

    @property
    def is_transaction(self) -> bool:
        """Whether it opens, closes or marks a transaction."""
        return self.verb in TRANSACTION_VERBS

    @property
    def is_write(self) -> bool:
        """Whether it changes rows."""
        return self.verb in WRITE_VERBS


@lru_cache(maxsize=512)
def parse(sql: str) -> Statement:
    """Reduce a statement to its shape; pure, and cached by the text.

    Args:
        sql: as given to the cursor, with placeholders or with literals inlined.
    """
    masked = " ".join(_TOKENS.sub(_mask, sql.strip().rstrip(";")).split())
    shape = _LIST.sub("(?+)", _PLACEHOLDER.sub(_VALUE, masked))
    shape = _ROWS.sub(r"\1, ...", shape)
    verb = _verb(shape)
    return Statement(
        masked,
        shape,
        verb,
        _tables(shape),
        is_read=verb == "SELECT" and not _LOCK.search(shape),
        is_batch=bool(_BATCH.search(shape)),
    )


def _mask(match: re.Match[str]) -> str:
    if match["comment"] is not None or match["space"] is not None:
        return " "
    if match["name"] is not None or match["placeholder"] is not None:
        return match[0]
    if match["compared"] is not None:
        # A lone double-quoted word behind a comparison is a string on MySQL and, when it names
        # no column, on SQLite; Django itself always qualifies such columns.
        return f" {_VALUE}"
    return _VALUE


def _verb(shape: str) -> str:
    match = _VERB.match(shape)
    verb = match[1].upper() if match else ""
    if verb == "WITH":
        main = re.search(r"\)\s*(SELECT|INSERT|UPDATE|DELETE|MERGE)\b", shape, re.IGNORECASE)
        verb = main[1].upper() if main else "SELECT"
    return verb


def _tables(shape: str) -> tuple[str, ...]:
    names = (re.sub(r'["`\[\]]', "", name) for name in _TABLE.findall(shape))
    return tuple(dict.fromkeys(name for name in names if name.upper() != "SELECT"))
