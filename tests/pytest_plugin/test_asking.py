"""What a test asks for by itself: the marker and the fixture, in each mode."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.conftest import Shop, section


@pytest.mark.parametrize("mode", ["off", "report", "fail"])
def test_max_queries_holds_in_each_mode(shop: Shop, mode: str) -> None:
    """It is the test's own assertion; what failed it is told, and transactions are not counted."""
    result = shop.run(
        """
        from django.db import transaction

        @pytest.mark.perfkit(max_queries=2)
        def test_enough(client, books):
            with transaction.atomic():
                assert Book.objects.count() == 12
            assert client.get("/books/1/").status_code == 200

        @pytest.mark.perfkit(max_queries=2)
        def test_too_many(client, db):
            for _ in range(2):
                assert Book.objects.count() == 0
            assert Author.objects.count() == 0
        """,
        f"--perfkit={mode}",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*_ test_too_many _*",
            "perfkit: 3 statements ran, and max_queries is 2",
            '*2 x  SELECT COUNT(*) AS "__count" FROM "shop_book"',
            '*1 x  SELECT COUNT(*) AS "__count" FROM "shop_author"',
        ]
    )


def test_markers_join_from_the_function_outwards(shop: Shop) -> None:
    """The closest max_queries counts, and what is allowed adds up."""
    result = shop.run(
        """
        pytestmark = pytest.mark.perfkit(max_queries=1, allow="n_plus_one")

        @pytest.mark.perfkit(max_queries=20)
        def test_own(books):
            names()

        def test_of_the_module(books):
            names()
        """,
        "--perfkit=fail",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["perfkit: 13 statements ran, and max_queries is 1"])
    assert section(result) == ["No findings in 2 tests; not shown: 1 allowed by markers"]


def test_what_a_test_allows_does_not_fail_it(shop: Shop) -> None:
    """By kind and by pattern, with and without the app; the summary counts it once."""
    result = shop.run(
        """
        @pytest.mark.perfkit(allow="n_plus_one")
        def test_kind(books):
            names()

        @pytest.mark.perfkit(allow=["slow_query", "n_plus_one:shop.Book.author"])
        def test_path(books):
            names()

        @pytest.mark.perfkit(allow=["n_plus_one:Book.*"])
        def test_pattern(books):
            names()

        @pytest.mark.perfkit(allow={"n_plus_one:shop.Book"})
        def test_model(books):
            names()
        """,
        "--perfkit=fail",
    )
    result.assert_outcomes(passed=4)
    assert section(result) == ["No findings in 4 tests; not shown: 1 allowed by markers"]


def test_a_fingerprint_is_allowed(shop: Shop) -> None:
    """Where a pattern would allow too much."""
    tests = """
        @pytest.mark.perfkit(allow=[{}])
        def test_allowed(books):
            names()
    """
    (found,) = shop.json(tests.format(""))
    fingerprint = f'"{found["fingerprint"]}"'
    shop.run(tests.format(fingerprint), "--perfkit=fail").assert_outcomes(passed=1)
    shop.run(tests.format('"ffffffffffff"'), "--perfkit=fail").assert_outcomes(failed=1)


def test_what_one_test_allows_fails_another(shop: Shop) -> None:
    """The same finding: allowed here is not allowed everywhere."""
    result = shop.run(
        """
        @pytest.mark.perfkit(allow="n_plus_one")
        def test_allowed(books):
            names()

        @pytest.mark.perfkit(allow=["duplicate_query", "n_plus_one:shop.Book.publisher"])
        def test_other(books):
            names()
        """,
        "--perfkit=fail",
    )
    result.assert_outcomes(passed=1, failed=1)
    assert "  seen in test_shop.py::test_other" in section(result)


def test_a_marker_that_is_written_wrongly_fails_its_test(shop: Shop) -> None:
    """One that did nothing would be believed."""
    result = shop.run(
        """
        @pytest.mark.perfkit(max_querys=3)
        def test_name():
            pass

        @pytest.mark.perfkit(3)
        def test_position():
            pass

        @pytest.mark.perfkit(max_queries=-1)
        def test_negative():
            pass

        @pytest.mark.perfkit(max_queries=True)
        def test_bool():
            pass

        @pytest.mark.perfkit(allow=3)
        def test_patterns():
            pass
        """
    )
    result.assert_outcomes(failed=5)
    result.stdout.fnmatch_lines(
        [
            "@pytest.mark.perfkit has 'max_querys'*did you mean max_queries?",
            "@pytest.mark.perfkit takes no positional arguments, not 3;*",
            "@pytest.mark.perfkit(max_queries=-1): write a whole number from 0",
            "@pytest.mark.perfkit(max_queries=True): write a whole number from 0",
            "@pytest.mark.perfkit(allow=3): write a list of kinds*",
        ]
    )


def test_the_fixture_tells_what_ran_so_far(shop: Shop) -> None:
    """In the middle of the test: findings, statements, requests, and blocks of their own."""
    shop.run(
        """
        def test_fixture(books, client, perfkit):
            assert perfkit.findings == ()
            assert perfkit.queries == ()
            assert Book.objects.count() == 12
            assert [query.verb for query in perfkit.queries] == ["SELECT"]
            perfkit.assert_no_findings()
            perfkit.assert_max_queries(1)

            client.get("/books/")
            (finding,) = perfkit.findings
            assert (finding.kind, finding.path) == ("n_plus_one", "author")
            assert [record.route for record in perfkit.records] == ["", "/books/"]
            assert perfkit.statements == len(perfkit.queries) == 14
            with pytest.raises(AssertionError, match="shop.Book.author"):
                perfkit.assert_no_findings()
            with pytest.raises(AssertionError, match="14 statements ran, and max_queries is 1"):
                perfkit.assert_max_queries(1)

            with perfkit.record() as block:
                client.get("/books/1/")
            assert block.statements == 1
            assert perfkit.statements == 15

        @pytest.mark.perfkit(allow="n_plus_one")
        def test_allowed(books, perfkit):
            names()
            perfkit.assert_no_findings()

        @pytest.fixture
        def early(perfkit):
            with pytest.raises(RuntimeError, match="has not begun"):
                perfkit.findings
            yield
            assert perfkit.statements == 1

        def test_around(db, early):
            assert Book.objects.count() == 0
        """
    ).assert_outcomes(passed=3)


def test_a_failed_assertion_of_the_fixture_ends_in_the_test(shop: Shop) -> None:
    """The traceback shows the test's line, and the message what to change."""
    result = shop.run(
        """
        def test_page(books, client, perfkit):
            client.get("/books/")
            perfkit.assert_no_findings()
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["> *perfkit.assert_no_findings()", "E *perfkit has findings:", "E *write *select_related*"]
    )
    result.stdout.no_fnmatch_line("*watch.py*")


def test_the_fixture_works_in_a_coroutine(shop: Shop) -> None:
    """Whose runner gives it a context of its own."""
    shop.run(
        """
        from asgiref.sync import sync_to_async

        @pytest.mark.anyio
        @pytest.mark.django_db(transaction=True)
        async def test_async(books, perfkit, async_client):
            await sync_to_async(Book.objects.count)()
            assert perfkit.statements == 1
            await async_client.get("/books/")
            assert [finding.path for finding in perfkit.findings] == ["author"]
        """
    ).assert_outcomes(passed=1)
