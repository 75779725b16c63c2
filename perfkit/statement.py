"""What a statement's text tells: its shape, its verb and its tables, with every value masked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

#: Statements that open, close or mark transactions: counted apart, never analyzed.
TRANSACTION_VERBS = frozenset(
    {"BEGIN", "COMMIT", "END", "RELEASE", "ROLLBACK", "SAVEPOINT", "START"}
)
WRITE_VERBS = frozenset({"DELETE", "INSERT", "MERGE", "REPLACE", "TRUNCATE", "UPDATE"})

_VALUE = "?"
#: In ``'a\\'`` the backslash escapes the quote on MySQL and is itself elsewhere: where the literal
#: ends cannot be told, so nothing behind it is kept (``string`` below). ``ESCAPE '\\'``, which
#: Django writes for SQLite and PostgreSQL, is no statement of MySQL's and so is told.
_TOKENS = re.compile(
    r"""
    (?P<comment>/\*.*?(?:\*/|\Z)|--[^\n]*)
    | (?P<escaped>[eE]'(?:[^'\\]|''|\\.)*(?:'|\\?\Z))
    | (?P<escape>(?<=\bESCAPE\ )'\\'(?!'))
    | (?P<string>[bBxXnN]?'(?:[^'\\]|''|\\[^'])*(?:'|\\'.*|\\?\Z))
    | (?P<dollar>\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z))
    | (?P<compared>(?<=[=<>])\s*"(?:[^"]|"")*(?:"|\Z)(?!\s*\.)
        |(?<=\bLIKE)\s*"(?:[^"]|"")*(?:"|\Z)(?!\s*\.))
    | (?P<name>"(?:[^"]|"")*(?:"|\Z)|`[^`]*`|\[[A-Za-z_]\w*\]|[A-Za-z_][\w$]*)
    | (?P<placeholder>%\(\w+\)s|%s|\?\d*|\$\d+|(?<!:):\w+)
    | (?P<number>\d[\w.]*)
    | (?P<space>\s+)
    """,
    re.VERBOSE | re.DOTALL,
)
#: Double-quoted words in a list of values are strings too, unless qualified.
_VALUES = re.compile(r"\b(?:IN|VALUES)\s*\((?!\s*SELECT\b)[^()]*", re.IGNORECASE)
_QUOTED = re.compile(r'((?:(?:\w+|"(?:[^"]|"")*")\s*\.\s*)+"(?:[^"]|"")*")|"(?:[^"]|"")*(?:"|\Z)')
#: What capture puts at the end of a statement that it has cut.
_CUT = re.compile(r"\s*/\* cut \*/ -?\w+\Z")
_PLACEHOLDER = re.compile(r"%\(\w+\)s|%s|\?\d+|\$\d+|(?<!:):\w+")
_LIST = re.compile(r"\(\?(?:, ?\?)+\)")
_OPEN_LIST = re.compile(r"\(\?(?:, ?\?)+[^()]*\Z")
_ROWS = re.compile(r"(\((?:\?|\?\+)\))(?:, ?\((?:\?|\?\+)\))+")
_TABLE = re.compile(
    r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE)\s+(?:ONLY\s+)?((?:[\"`\[]?[\w$]+[\"`\]]?\.)*[\"`\[]?[\w$]+)",
    re.IGNORECASE,
)
_VERB = re.compile(r"[\s(;]*([A-Za-z]+)")
_BATCH = re.compile(r"\bIN \(\?\+", re.IGNORECASE)
#: A page after the last key of the one before, or at an offset given as a parameter.
_NEXT_KEYS = re.compile(
    r"([\w.\"`]+) [<>]=? \?.* ORDER BY .*(?<![\w.\"`])\1(?![\w.\"`]).* LIMIT \?", re.IGNORECASE
)
_NEXT_OFFSET = re.compile(r"\bOFFSET \?", re.IGNORECASE)
#: From one key to another, in their order.
_RANGE = re.compile(
    r"([\w.\"`]+) >=? \? AND \1 <=? \?.* ORDER BY \1(?![\w.\"`])"
    r"|([\w.\"`]+) BETWEEN \? AND \?.* ORDER BY \2(?![\w.\"`])",
    re.IGNORECASE,
)
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
        is_batch: it names several keys at once: ``IN`` with more than one value.
        is_page: it asks for the next part of a long result.
    """

    masked: str
    shape: str
    verb: str
    tables: tuple[str, ...]
    is_read: bool
    is_batch: bool
    is_page: bool

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
    whole = _CUT.sub("", sql)
    masked = " ".join(_TOKENS.sub(_mask, whole.strip().rstrip(";")).split())
    masked = _VALUES.sub(_mask_words, masked)
    shape = _LIST.sub("(?+)", _PLACEHOLDER.sub(_VALUE, masked))
    shape = _ROWS.sub(r"\1, ...", _OPEN_LIST.sub("(?+", shape))
    verb = _verb(shape)
    if verb == "UPDATE":  # Django writes None as it is
        shape = shape.replace(" = NULL", f" = {_VALUE}")
    return Statement(
        masked,
        shape,
        verb,
        _tables(shape),
        is_read=verb == "SELECT" and not _LOCK.search(shape),
        is_batch=bool(_BATCH.search(shape)),
        is_page=any(form.search(shape) for form in (_NEXT_KEYS, _NEXT_OFFSET, _RANGE)),
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


def _mask_words(values: re.Match[str]) -> str:
    return _QUOTED.sub(lambda word: word[1] or _VALUE, values[0])


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
