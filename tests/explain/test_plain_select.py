"""Only a plain SELECT is explained; whatever is not surely one is refused, on each database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import Avg, Count, Exists, F, OuterRef, Q, Sum, Value, Window
from django.db.models.functions import (
    Cast,
    Coalesce,
    Concat,
    Lower,
    Now,
    RowNumber,
    Substr,
    TruncMonth,
)

from perfkit.explain.lexer import tokens
from perfkit.explain.plain_select import PlainSelect, Refused, plain_select
from tests.library.models import Author, Book
from tests.nplusone.models import Visit

BOTH = ("postgresql", "sqlite")

#: Statements that write, lock, call, or cannot be told from such; none has a parameter.
HOSTILE = [
    "",
    ";",
    "(",
    "(SELECT 1",
    "SELECT 1)",
    "SELECT 1) (SELECT 2",
    # several statements
    "SELECT 1; DELETE FROM t",
    "SELECT 1;; SELECT 2",
    "SELECT 1;\nDROP TABLE t;",
    ";SELECT 1",
    "COMMIT; SELECT 1",
    # what begins otherwise
    "DELETE FROM t",
    "INSERT INTO t SELECT 1",
    "UPDATE t SET a = 1",
    "TRUNCATE t",
    "COPY t TO '/tmp/x'",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "EXECUTE plan",
    "EXPLAIN ANALYZE DELETE FROM t",
    "EXPLAIN SELECT 1",
    "ANALYZE t",
    "DO 'x'",
    "CALL p()",
    "VALUES (1)",
    "TABLE t",
    "PRAGMA user_version = 3",
    "ATTACH 'x' AS y",
    "VACUUM",
    "SET ROLE admin",
    "LISTEN x",
    "BEGIN",
    "DECLARE c CURSOR FOR SELECT 1",
    "MERGE INTO t USING s ON (t.a = s.a) WHEN MATCHED THEN DELETE",
    "ANALYZE SELECT 1",
    # a SELECT that writes or locks
    "SELECT * INTO t2 FROM t",
    "select * into temp t2 from t",
    "SELECT a INTO OUTFILE '/tmp/x' FROM t",
    "SELECT a FROM t FOR UPDATE",
    "SELECT a FROM t FOR NO KEY UPDATE",
    "SELECT a FROM t FOR SHARE SKIP LOCKED",
    "SELECT a FROM t LOCK IN SHARE MODE",
    "SELECT a FROM t\tfor\nupdate",
    # WITH
    "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
    "WITH d AS (SELECT 1) DELETE FROM t",
    "with i as (insert into t values (1) returning a) select * from i",
    "WITH u AS MATERIALIZED (UPDATE t SET a = 1 RETURNING a) SELECT 1 FROM u",
    "WITH d AS (SELECT 1) INSERT INTO t SELECT * FROM d",
    # functions
    "SELECT nextval('s')",
    "SELECT NEXTVAL ('s')",
    "SELECT setval('s', 1)",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_advisory_xact_lock(1) FROM t",
    "SELECT set_config('a', 'b', false)",
    "SELECT pg_catalog.set_config('a', 'b', false)",
    "SELECT pg_catalog . set_config ('a', 'b', false)",
    'SELECT "pg_advisory_lock"(1)',
    "SELECT \"set_config\" ('a', 'b', false)",
    "SELECT dblink('host=x', 'DELETE FROM t')",
    "SELECT * FROM dblink_exec('DELETE FROM t') AS x",
    "SELECT pg_sleep(10)",
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT query_to_xml('DELETE FROM t', true, true, '')",
    "SELECT load_extension('x')",
    "SELECT writefile('x', 'y')",
    "SELECT my_own(1)",
    "SELECT lower/**/(nextval/**/('s'))",
    "SELECT upper(shop.lower('x'))",
    "SELECT CASE WHEN pg_try_advisory_lock(1) THEN 1 END",
    "SELECT 1 FROM t WHERE a = (SELECT txid_current())",
    "SELECT 1 FROM ROWS FROM (nextval('s')) AS x",
    "SELECT 1 FROM t TABLESAMPLE mine(1)",
    # comments, quotes, letters
    "SELECT 1 -- ; DELETE FROM t\n; DELETE FROM t",
    "SELECT 1 --\nFROM t",
    "SELECT 1 - --1\nFROM t",
    "SELECT 1 /* a /* b */ ; DELETE FROM t -- */",
    "SELECT 1 /*! INTO OUTFILE 'x' */ FROM t",
    "SELECT 1 /*M! FOR UPDATE */ FROM t",
    "SELECT /*+ SET(x y) */ 1 FROM t",
    "SELECT 1 /* never closed",
    "SELECT 1 */ FROM t",
    "SELECT 'a",
    "SELECT E'a\\'; DELETE FROM t; --'",
    "SELECT e'\\x27'",
    "SELECT U&'\\0027'",
    'SELECT U&"d\\0061t"',
    "SELECT N'x'",
    "SELECT $$a$$",
    "SELECT $a$ ' $a$",
    "SELECT $1",
    "SELECT :name",
    "SELECT {fn now()}",
    "SELECT 1\\;",
    "SELECT 1\\g",
    "SELECT 1\x00",
    "SELECT\u00a01",
    "SELECT\u20281",
    "ＳＥＬＥＣＴ 1",
    "SELECT 1 FROM tаble",  # a Cyrillic letter
    "SELECT 0x1F",
    "SELECT 1a",
    "SELECT 'a'b",
    "SELECT \"a\"'b'",
    'SELECT a"b"',
    # what capture has cut
    "SELECT a FROM t WHERE b = 1 /* cut */ -123",
]


@pytest.mark.parametrize("vendor", BOTH)
@pytest.mark.parametrize("sql", HOSTILE)
def test_what_is_no_plain_select_is_refused(sql: str, vendor: str) -> None:
    """Nothing that could write, lock, or mean something else to the database gets through."""
    with pytest.raises(Refused):
        plain_select(sql, (), vendor)


@pytest.mark.parametrize(
    ("sql", "vendor"),
    [
        ("SELECT 'a\\'", "postgresql"),
        ("SELECT `a` FROM t", "postgresql"),
        ("SELECT [a] FROM t", "sqlite"),
        ("SELECT ?", "sqlite"),
        ("SELECT @a", "sqlite"),
    ],
)
def test_what_one_database_reads_otherwise_is_refused_there(sql: str, vendor: str) -> None:
    """A backslash, a backtick, a bracket: each is harmless to one of them only."""
    with pytest.raises(Refused):
        plain_select(sql, (), vendor)


@pytest.mark.parametrize("vendor", BOTH)
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "  select 1 ;  ",
        "(SELECT a FROM t) UNION ALL (SELECT b FROM u)",
        'SELECT "delete", "for", "into" FROM "update"',
        "SELECT 'FOR UPDATE; DELETE FROM t -- /* ' FROM t",
        "SELECT 'it''s; DROP' FROM t",
        "SELECT a FROM t WHERE b IN (SELECT c FROM u) ORDER BY (a) LIMIT 3",
        "WITH RECURSIVE x AS (SELECT 1) SELECT * FROM x",
        "SELECT count(*) FILTER (WHERE a > 1), a::numeric(10, 2) || 'x' FROM t GROUP BY (a)",
        "SELECT 1 - -1, 2 * (3), a -> 'b' ->> 'c' FROM t WHERE NOT (a) AND EXISTS (SELECT 1)",
    ],
)
def test_a_plain_select_is_let_through(sql: str, vendor: str) -> None:
    """Words in quotes are names and texts, not what they say."""
    assert plain_select(sql, (), vendor).sql.upper().lstrip("(").startswith(("SELECT", "WITH"))


def test_comments_are_left_out_and_nothing_else() -> None:
    """A comment of the site's own, such as a trace id, is not sent again."""
    given = "SELECT a/* one */,b /*route='x'*/ FROM\n\tt WHERE c ->> 'd' = %s /* two */;"
    assert plain_select(given, ("v",), "postgresql") == PlainSelect(
        "SELECT a ,b FROM t WHERE c ->> 'd' = %s",
        ("v",),
        tuple(tokens("SELECT a/**/,b FROM t WHERE c ->> 'd' = %s")),
    )


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("SELECT %s", None),  # a write's, or of types that are not kept
        ("SELECT %s", 123456),  # a hash of many
        ("SELECT %s", ()),
        ("SELECT %s", (1, 2)),
        ("SELECT 1", (1,)),
        ("SELECT %(a)s", (1,)),
        ("SELECT '%s'", (1,)),
        ("SELECT a %% 2 FROM t", ()),
        ("SELECT a FROM t WHERE b LIKE 'c%'", ()),
        ("SELECT a FROM t WHERE b LIKE 'c%' AND d = %s", (1,)),
        ("SELECT a % %s FROM t", (1,)),
        ('SELECT "a%" FROM t WHERE b = %s', (1,)),
    ],
)
def test_parameters_must_fit(sql: str, params: object) -> None:
    """A statement is explained with its own parameters or not at all."""
    with pytest.raises(Refused):
        plain_select(sql, params, "sqlite")


def test_a_doubled_percent_goes_with_parameters() -> None:
    """The driver takes it for one sign, as it did the first time."""
    assert plain_select("SELECT a FROM t WHERE b %% 2 = %s", (1,), "sqlite").params == (1,)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "queryset",
    [
        Book.objects.select_related("author__publisher").filter(author__name__icontains="x")[:5],
        Book.objects.filter(Q(title__startswith="a") | ~Q(author__name="b")).order_by("-title"),
        Book.objects.annotate(n=Count("tags", distinct=True), s=Sum("pk")).filter(n__gt=2),
        Book.objects.annotate(place=Window(RowNumber(), partition_by=[F("author")])),
        Author.objects.filter(Exists(Book.objects.filter(author=OuterRef("pk"), title="x"))),
        Book.objects.values("author").annotate(a=Avg("pk")).order_by("a"),
        Book.objects.annotate(
            t=Coalesce(Lower("title"), Value("-")),
            u=Concat(Substr("title", 1, 3), Value("x")),
            n=Cast("title", output_field=Book._meta.get_field("body")),
        ),
        Visit.objects.filter(day__lt=Now() - timedelta(days=1)).dates("day", "month"),
        Visit.objects.annotate(month=TruncMonth("day")).values("month").annotate(n=Count("pk")),
        Book.objects.filter(title="a").union(Book.objects.filter(title="b")),
        Book.objects.exclude(tags__name="x").distinct()[2:9],
    ],
)
def test_what_the_orm_writes_is_let_through(queryset: object) -> None:
    """A site's own SELECTs are explained: the list of functions covers Django's expressions."""
    sql, params = queryset.query.sql_with_params()  # type: ignore[attr-defined]  # a queryset
    assert plain_select(sql, tuple(params), "sqlite").params == (tuple(params) or None)
