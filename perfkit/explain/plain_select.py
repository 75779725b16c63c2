"""Is a statement a plain SELECT that may be explained? Whatever is not surely one is refused.

``EXPLAIN`` runs nothing, but a planner may evaluate what it takes for constant, so that only
functions that are known to read nothing and write nothing are let through.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from perfkit.explain.lexer import Token, tokens

_FORBIDDEN_WORDS: Final = """
ALTER ANALYZE ATTACH BEGIN CALL CLUSTER COMMIT COPY CREATE DEALLOCATE DECLARE DELETE DETACH
DISCARD DO DROP DUMPFILE EXEC EXECUTE EXPLAIN FETCH FOR GRANT HANDLER IMPORT INSERT INTO LISTEN
LOAD LOCK MERGE MOVE NOTIFY OUTFILE PRAGMA PREPARE PROCEDURE REFRESH REINDEX RELEASE RENAME RESET
RETURNING REVOKE ROLLBACK SAVEPOINT SECURITY SET SHOW START TABLESAMPLE TRUNCATE UNLISTEN UPDATE
UPSERT VACUUM
"""
#: Words that write, lock, or begin what is no SELECT, wherever they stand unquoted.
FORBIDDEN: Final = frozenset(_FORBIDDEN_WORDS.split())

_KEYWORD_NAMES: Final = """
ALL AND ANY ARRAY AS BETWEEN BY CASE CAST CHAR CHARACTER DECIMAL DISTINCT ELSE EXCEPT EXISTS
FILTER FROM GROUP HAVING ILIKE IN INTERSECT IS JOIN LATERAL LIKE LIMIT MATERIALIZED NOT NUMERIC
OFFSET ON OR OVER SELECT SOME THEN TIME TIMESTAMP TIMESTAMPTZ UNION USING VALUES VARCHAR WHEN
WHERE WITHIN
"""
#: Words of the language, and names of types, that may stand before a parenthesis.
_KEYWORDS: Final = frozenset(_KEYWORD_NAMES.split())

_FUNCTION_NAMES: Final = """
ABS ACOS AGE ARRAY_AGG ARRAY_LENGTH ARRAY_POSITION ASCII ASIN ATAN ATAN2 AVG BIT_AND BIT_OR
BIT_XOR BOOL_AND BOOL_OR BTRIM CARDINALITY CEIL CEILING CHAR_LENGTH CHR COALESCE CONCAT CONCAT_WS
CORR COS COT COUNT COVAR_POP COVAR_SAMP CUME_DIST CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DATE
DATETIME DATE_PART DATE_TRUNC DEGREES DENSE_RANK EVERY EXP EXTRACT FIRST_VALUE FLOOR GREATEST
GROUP_CONCAT GROUPING IFNULL IIF INITCAP INSTR ISNULL JSON JSONB_AGG JSONB_ARRAY_LENGTH
JSONB_BUILD_ARRAY JSONB_BUILD_OBJECT JSONB_EXTRACT_PATH JSONB_EXTRACT_PATH_TEXT JSONB_OBJECT_AGG
JSONB_TYPEOF JSON_AGG JSON_ARRAY JSON_ARRAY_LENGTH JSON_BUILD_OBJECT JSON_EXTRACT JSON_GROUP_ARRAY
JSON_OBJECT JSON_OBJECT_AGG JSON_TYPE JSON_VALID JULIANDAY LAG LAST_VALUE LEAD LEAST LEFT LENGTH
LN LOCALTIMESTAMP LOG LOWER LPAD LTRIM MAKE_DATE MAX MD5 MIN MOD NOW NTH_VALUE NTILE NULLIF
OCTET_LENGTH PERCENTILE_CONT PERCENTILE_DISC PERCENT_RANK PHRASETO_TSQUERY PI PLAINTO_TSQUERY
POSITION POW POWER RADIANS RANDOM RANK REGR_AVGX REGR_AVGY REGR_COUNT REGR_INTERCEPT REGR_R2
REGR_SLOPE REGR_SXX REGR_SXY REGR_SYY REPEAT REPLACE REVERSE RIGHT ROUND ROW_NUMBER RPAD RTRIM
SETWEIGHT SIGN SIMILARITY SIN SPLIT_PART SQRT STATEMENT_TIMESTAMP STDDEV_POP STDDEV_SAMP STRFTIME
STRING_AGG STRPOS STRICT_WORD_SIMILARITY SUBSTR SUBSTRING SUM TAN TIMEZONE TOTAL TO_CHAR
TO_TSQUERY TO_TSVECTOR TRIM TRUNC TS_RANK TS_RANK_CD TYPEOF UNACCENT UNICODE UNNEST UPPER VAR_POP
VAR_SAMP WEBSEARCH_TO_TSQUERY WORD_SIMILARITY
"""
#: Functions that only compute: those of Django's own expressions and lookups, and their kin.
_FUNCTIONS: Final = frozenset(_FUNCTION_NAMES.split())

#: Functions that Django itself gives to SQLite; all of them only compute.
_DJANGO: Final = re.compile(r"DJANGO_[A-Z_]+")

_CUT: Final = "/* cut */"
_STRAY_PERCENT: Final = re.compile(r"%(?!%)")


class Refused(Exception):
    """A statement that is not explained; the text is one of a few fixed ones."""


class PlainSelect(NamedTuple):
    """A statement that may be explained: its text without comments, its parameters, its tokens."""

    sql: str
    params: tuple[Any, ...] | None
    tokens: tuple[Token, ...]


def plain_select(sql: str, params: Any, vendor: str) -> PlainSelect:
    """Check a statement and bring it into the form that is explained.

    Args:
        sql: as given to the cursor.
        params: what capture kept of the parameters: the tuple of them, or something else.
        vendor: ``"postgresql"`` or ``"sqlite"``.

    Raises:
        Refused: it may not, or cannot, be explained.
    """
    if _CUT in sql:
        raise Refused("longer than what is kept")
    if type(params) is not tuple:
        raise Refused("parameters not kept")
    read = list(tokens(sql))
    if read and read[-1].text == ";":
        read.pop()
    if any(_is_odd(token, vendor) for token in read):
        raise Refused("not a plain SELECT")
    _check_words(read)
    _check_calls(read)
    _check_params(read, params)
    # Written anew from its tokens, so that no comment is sent.
    return PlainSelect(_written(read), params or None, tuple(read))


def _is_odd(token: Token, vendor: str) -> bool:
    if token.kind in ("odd", "escaped") or token.text == ";":
        return True
    if vendor == "sqlite":
        return token.text in ("?", "@", "#", "[", "]")
    # An older server, or one that is set so, takes a backslash as an escape.
    return (token.kind == "string" and "\\" in token.text) or token.text[0] == "`"


def _check_words(read: list[Token]) -> None:
    first = next((token.word for token in read if token.text != "("), "")
    if first not in ("SELECT", "WITH") or any(token.word in FORBIDDEN for token in read):
        raise Refused("not a plain SELECT")
    depth = 0
    for token in read:
        depth += (token.text == "(") - (token.text == ")")
        if depth < 0:
            break
    if depth:
        raise Refused("not a plain SELECT")


def _check_calls(read: list[Token]) -> None:
    for at, token in enumerate(read[:-1]):
        if read[at + 1].text != "(":
            continue
        qualified = at > 0 and read[at - 1].text == "."
        if token.kind == "quoted" or (token.word and (qualified or not _may_be_called(token.word))):
            raise Refused("calls a function that perfkit does not know")


def _may_be_called(word: str) -> bool:
    return word in _KEYWORDS or word in _FUNCTIONS or _DJANGO.fullmatch(word) is not None


def _check_params(read: list[Token], params: Sequence[Any]) -> None:
    if sum(token.kind == "placeholder" for token in read) != len(params):
        raise Refused("parameters not kept")
    percents = [token.text for token in read if token.kind in ("string", "quoted", "op")]
    if params:
        stray = any(_STRAY_PERCENT.search(text.replace("%%", "")) for text in percents)
    else:
        # Whether the driver was to take "%%" for one sign is not known any more.
        stray = any("%" in text for text in percents)
    if stray:
        raise Refused("parameters not kept")


def _written(read: list[Token]) -> str:
    return "".join(f" {token.text}" if token.apart else token.text for token in read).lstrip()
