"""Statements without their values: what is kept, and above all what is not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.capture.current import LONGEST_SQL
from perfkit.statement import parse


@pytest.mark.parametrize(
    ("sql", "masked"),
    [
        ("SELECT a FROM t WHERE b = 7", "SELECT a FROM t WHERE b = ?"),
        ("SELECT a FROM t WHERE b = %s", "SELECT a FROM t WHERE b = %s"),
        ("SELECT a FROM t WHERE b = %(name)s", "SELECT a FROM t WHERE b = %(name)s"),
        ("SELECT 'o''clock', t.x FROM t", "SELECT ?, t.x FROM t"),
        ('SELECT "t"."a" FROM "t"', 'SELECT "t"."a" FROM "t"'),
        ("SELECT  a\n  FROM\tt;", "SELECT a FROM t"),
        ("SELECT 1.5e10, 0xFF, t1.c2 FROM t1", "SELECT ?, ?, t1.c2 FROM t1"),
        ("SELECT x::text, y::date FROM t", "SELECT x::text, y::date FROM t"),
        ("SELECT a FROM t WHERE b = $1", "SELECT a FROM t WHERE b = $1"),
        ("SELECT `a` FROM `t` WHERE [b] = ?", "SELECT `a` FROM `t` WHERE [b] = ?"),
        ('INSERT INTO t ("a", "b") VALUES (%s)', 'INSERT INTO t ("a", "b") VALUES (%s)'),
        ('SELECT 1 WHERE (x) IN ("t"."a", "t"."b")', 'SELECT ? WHERE (x) IN ("t"."a", "t"."b")'),
        ('SELECT 1 WHERE a IN (SELECT "b" FROM t)', 'SELECT ? WHERE a IN (SELECT "b" FROM t)'),
    ],
)
def test_values_are_masked_and_names_kept(sql: str, masked: str) -> None:
    """The text that is stored tells the tables and columns, and no value."""
    assert parse(sql).masked == masked


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t WHERE a = 'hunter2'",
        "SELECT * FROM t WHERE a = 'it''s hunter2'",
        r"SELECT * FROM t WHERE a = 'C:\' AND b = 'hunter2'",
        r"SELECT * FROM t WHERE a = 'it\'s hunter2' AND b = 1",
        r"SELECT * FROM t WHERE a = E'it\'s hunter2' AND b = 'x'",
        r"SELECT * FROM t WHERE a = 'C:\\' AND b = 'hunter2'",
        r"SELECT 'hunter2\ ".strip(),
        "SELECT 'hunter2",
        "SELECT N'hunter2', x'hunter2', _utf8'hunter2'",
        "SELECT $$hunter2$$",
        "SELECT $tag$ it's $$ hunter2 $tag$",
        "SELECT $tag$ hunter2",
        "SELECT a /* hunter2 */ FROM t",
        "SELECT a /* hunter2",
        "SELECT a -- hunter2\nFROM t",
        "SELECT a FROM t -- hunter2",
        'SELECT a FROM t WHERE b = "hunter2"',
        'SELECT a FROM t WHERE b <> "hunter2" AND c >="hunter2"',
        'SELECT a FROM t WHERE b LIKE "hunter2%"',
        'SELECT a FROM t WHERE b IN ("x", "hunter2")',
        'SELECT a FROM t WHERE b IN ("x", "hunter2',
        'INSERT INTO t (a) VALUES ("hunter2")',
        'SELECT a FROM t WHERE b = "hunter2',
        "SELECT a FROM t WHERE b = 0xhunter2",
        "SELECT 'multi\nline\nhunter2'",
    ],
)
def test_no_value_is_kept(sql: str) -> None:
    """However a value is written, right or wrong, neither text nor shape shows it."""
    statement = parse(sql)
    assert "hunter2" not in statement.masked
    assert "hunter2" not in statement.shape


@settings(deadline=None)
@given(
    st.text(alphabet=st.characters(codec="utf-8")),
    st.sampled_from(["SELECT * FROM t WHERE a = {}", "INSERT INTO t VALUES ({}, 1)", "CALL f({})"]),
)
def test_no_quoted_text_is_kept(value: str, template: str) -> None:
    """Whatever a quoted literal holds, the statement around it has one shape, or less is kept."""
    literal = "'" + value.replace("'", "''") + "'"
    shape = parse(template.format(literal)).shape
    whole = parse(template.format("''")).shape
    assert shape == whole or whole.startswith(shape.removesuffix("?"))


@settings(deadline=None)
@given(st.text())
def test_any_text_has_a_shape(sql: str) -> None:
    """Nothing that a site may send makes it fail, and a masked text is masked already."""
    masked = parse(sql).masked
    assert parse(masked).shape == parse(parse(masked).masked).shape


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE b = %s"),
        ("SELECT a FROM t WHERE b IN (1, 2)", "SELECT a FROM t WHERE b IN (%s, %s, %s)"),
        ("SELECT a  FROM t", "SELECT a FROM t /* from: /shop/7 */"),
        ("SELECT a FROM t LIMIT 10 OFFSET 20", "SELECT a FROM t LIMIT 5 OFFSET 0"),
    ],
)
def test_statements_of_one_shape_differ_in_values_only(one: str, other: str) -> None:
    """Literals, placeholders and the length of a list make no difference."""
    assert parse(one).shape == parse(other).shape


def test_rows_of_an_insert_are_one_shape() -> None:
    """A bulk insert has one shape whatever its size."""
    three = parse("INSERT INTO t (a, b) VALUES (%s, %s), (%s, %s), (%s, %s)")
    two = parse("INSERT INTO t (a, b) VALUES (%s, %s), (%s, %s)")
    assert three.shape == two.shape


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE c = 1"),
        ("SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE b IN (1, 2)"),
        ("SELECT t1.a FROM t1", "SELECT t2.a FROM t2"),
    ],
)
def test_different_statements_have_different_shapes(one: str, other: str) -> None:
    """Columns, tables and operators are what a shape is made of."""
    assert parse(one).shape != parse(other).shape


@pytest.mark.parametrize(
    ("sql", "verb", "is_read", "is_write", "is_transaction"),
    [
        ("SELECT 1", "SELECT", True, False, False),
        ("  (select 1) UNION (select 2)", "SELECT", True, False, False),
        ("SELECT a FROM t FOR UPDATE", "SELECT", False, False, False),
        ("SELECT a FROM t FOR NO KEY UPDATE OF t SKIP LOCKED", "SELECT", False, False, False),
        ("SELECT a FROM t FOR SHARE", "SELECT", False, False, False),
        ("WITH x AS (SELECT 1) SELECT * FROM x", "SELECT", True, False, False),
        ("WITH x AS (SELECT 1) UPDATE t SET a = 1", "UPDATE", False, True, False),
        ("INSERT INTO t VALUES (1)", "INSERT", False, True, False),
        ("DELETE FROM t", "DELETE", False, True, False),
        ("BEGIN", "BEGIN", False, False, True),
        ("BEGIN IMMEDIATE", "BEGIN", False, False, True),
        ('SAVEPOINT "s1_x2"', "SAVEPOINT", False, False, True),
        ('RELEASE SAVEPOINT "s1_x2"', "RELEASE", False, False, True),
        ("ROLLBACK TO SAVEPOINT x", "ROLLBACK", False, False, True),
        ("START TRANSACTION", "START", False, False, True),
        ("PRAGMA foreign_keys", "PRAGMA", False, False, False),
        ("/* first */ SELECT 1", "SELECT", True, False, False),
        ("", "", False, False, False),
    ],
)
def test_verbs(sql: str, verb: str, is_read: bool, is_write: bool, is_transaction: bool) -> None:
    """The verb tells reads, writes, locks and transactions apart."""
    statement = parse(sql)
    told = (statement.verb, statement.is_read, statement.is_write, statement.is_transaction)
    assert told == (verb, is_read, is_write, is_transaction)


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ('SELECT 1 FROM "a" INNER JOIN "b" ON 1 LEFT OUTER JOIN c ON 1', ("a", "b", "c")),
        ("SELECT 1 FROM (SELECT 1 FROM a) x", ("a",)),
        ("SELECT 1 FROM a, b", ("a",)),
        ('SELECT 1 FROM "public"."a"', ("public.a",)),
        ("UPDATE a SET b = (SELECT 1 FROM c)", ("a", "c")),
        ("INSERT INTO `a` (b) SELECT 1 FROM a", ("a",)),
        ("DELETE FROM a WHERE b IN (SELECT 1 FROM c)", ("a", "c")),
        ("SELECT 'FROM b' FROM a", ("a",)),
        ("SELECT 1", ()),
    ],
)
def test_tables(sql: str, tables: tuple[str, ...]) -> None:
    """Tables are named once, in the order they appear; those after a comma are a known limit."""
    assert parse(sql).tables == tables


@pytest.mark.parametrize(
    ("sql", "is_batch"),
    [
        ("SELECT a FROM t WHERE b IN (%s, %s)", True),
        ("SELECT a FROM t WHERE b IN (%s)", False),
        ("SELECT a FROM t WHERE b IN (1, 2, 3) AND c = 4", True),
        ("SELECT a FROM t WHERE b IN (SELECT c FROM d)", False),
        ("SELECT a FROM t WHERE id > %s ORDER BY id LIMIT 100", True),
        ('SELECT a FROM "t" WHERE "t"."id" > %s ORDER BY "t"."id" ASC LIMIT 100', True),
        ("SELECT a FROM t ORDER BY id LIMIT %s OFFSET %s", True),
        ("SELECT a FROM t WHERE b = %s ORDER BY id ASC LIMIT 1", False),
        ("SELECT a FROM t WHERE b = %s ORDER BY id LIMIT 2 OFFSET 1", True),
        ("SELECT a FROM t WHERE price > %s ORDER BY id LIMIT 1", False),
    ],
)
def test_batches_and_pages_ask_for_many_rows(sql: str, is_batch: bool) -> None:
    """A list of keys, or the next page after the last key, is no loop over rows."""
    statement = parse(sql)
    assert (statement.is_batch or statement.is_page) is is_batch


@pytest.mark.parametrize("at", range(LONGEST_SQL - 6, LONGEST_SQL + 1))
def test_a_cut_statement_keeps_its_shape(at: int) -> None:
    """Where capture cuts a long list decides neither the shape nor that it is a batch."""
    sql = "SELECT a FROM t WHERE b IN (" + ", ".join(["%s"] * 1500) + ")"
    statement = parse(f"{sql[:at]} /* cut */ -8123456789")
    assert statement.shape == parse(f"{sql[:4000]} /* cut */ 99").shape
    assert statement.is_batch
    assert parse(statement.masked).is_batch
    assert statement.tables == ("t",)


@pytest.mark.parametrize("at", [40, 41, 45])
def test_a_statement_cut_inside_a_literal_shows_nothing_of_it(at: int) -> None:
    """Half a literal is still a literal."""
    sql = r"SELECT a FROM t WHERE secret = 'hunter2\hunter2hunter2'"
    assert parse(f"{sql[:at]} /* cut */ 12").masked == "SELECT a FROM t WHERE secret = ?"
