"""The parts of a SELECT: its conditions, its order, its tables."""

from __future__ import annotations

from perfkit.explain.clauses import order_of, tables_of, where_of
from perfkit.explain.conditions import conditions
from perfkit.explain.lexer import tokens


def test_conditions_stand_behind_where_and_on() -> None:
    """A column that is only given back, or ordered by, is not compared."""
    sql = (
        'SELECT "b"."x" = 1, CASE WHEN "b"."y" = 2 THEN 3 END FROM "b" '
        'INNER JOIN "c" ON ("c"."id" = "b"."c_id") WHERE ("b"."z" = %s AND "b"."u" IN '
        '(SELECT "d"."v" FROM "d" WHERE "d"."w" > 3)) GROUP BY "b"."g" HAVING COUNT("b"."h") > 1 '
        'ORDER BY "b"."o" = 1 LIMIT 5'
    )
    told = list(conditions(where_of(list(tokens(sql)))))
    columns = [each.column for each in told]
    assert {"id", "z", "u", "w"} <= set(columns)
    assert not {"x", "y", "g", "o", "v"} & set(columns)


def test_tables_are_found_by_the_names_that_they_go_by() -> None:
    """Aliases, schemas, lists, subqueries."""
    sql = (
        'SELECT 1 FROM "shop_book" INNER JOIN "shop_author" T3 ON (1 = 1) LEFT OUTER JOIN "pub"."house" AS "h" '
        'ON 1, "tag" "t", "plain" WHERE EXISTS (SELECT 1 FROM "shop_book" U0 WHERE 1)'
    )
    told = tables_of(list(tokens(sql)))
    assert told["shop_book"] == "shop_book"
    assert (told["T3"], told["h"], told["U0"]) == ("shop_author", "house", "shop_book")
    assert tables_of(list(tokens("SELECT 1 FROM a x, b AS y, c"))) == {"x": "a", "y": "b", "c": "c"}


def test_the_order_is_the_last_one() -> None:
    """A window's own order is none of the result's."""
    sql = 'SELECT ROW_NUMBER() OVER (ORDER BY "a"."w") FROM "a" ORDER BY "a"."x" DESC, "a"."y" LIMIT 3'
    assert [name for name in order_of(list(tokens(sql))) if len(name) == 1] == ["a", "x", "a", "y"]
