"""What counts as a test: its own function, each request of it by itself, and no making of data."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.conftest import MIDDLEWARE, ROWS, Shop, section


def test_fixtures_and_set_up_are_left_out(shop: Shop) -> None:
    """Also those that unittest runs in the midst of the call, and one that a test asks for late."""
    result = shop.run(
        """
        from django.test import TestCase

        @pytest.fixture
        def looped(books):
            yield names()
            names()

        def test_fixture(looped):
            pass

        def test_late(request, db):
            assert Book.objects.count() == 0
            request.getfixturevalue("looped")

        class TestCases(TestCase):
            @classmethod
            def setUpTestData(cls):
                fill()
                names()

            def setUp(self):
                names()
                self.addCleanup(names)

            def tearDown(self):
                names()

            def test_quiet(self):
                self.assertEqual(Book.objects.count(), 12)

            async def test_async_quiet(self):
                self.assertEqual(await Book.objects.acount(), 12)

        class TestMethods:
            @pytest.fixture(autouse=True)
            def rows(self, books):
                names()

            def setup_method(self):
                self.made = True

            def test_quiet(self):
                assert self.made
        """,
        "--perfkit=fail",
    )
    result.assert_outcomes(passed=5)
    assert section(result) == ["No findings in 5 tests"]


def test_every_sort_of_test_is_recorded(shop: Shop) -> None:
    """Functions, methods, unittest's and Django's cases, parameters, coroutines, examples."""
    shop.plugins = ("hypothesispytest",)
    result = shop.run(
        """
        from django.test import TestCase, TransactionTestCase
        from hypothesis import HealthCheck, given, settings, strategies

        class TestMethods:
            def test_loop(self, books):
                names()

        class TestDjango(TestCase):
            def setUp(self):
                fill()

            def test_loop(self):
                names()

            def test_sub(self):
                with self.subTest("one"):
                    names()

        @pytest.mark.parametrize("number", [1, 2])
        def test_loop(books, number):
            names()

        @pytest.mark.anyio
        @pytest.mark.django_db(transaction=True)
        async def test_async(books, async_client):
            await async_client.get("/books/")

        class TestAsync(TransactionTestCase):
            def setUp(self):
                fill()

            async def test_loop(self):
                await self.async_client.get("/books/")

        @pytest.mark.usefixtures("books")
        class TestExamples:
            @settings(
                max_examples=3,
                deadline=None,
                database=None,
                suppress_health_check=[HealthCheck.function_scoped_fixture],
            )
            @given(strategies.integers())
            def test_loop(self, number):
                names()
        """,
        "--perfkit=fail",
        "-W",
        "default",
    )
    result.assert_outcomes(failed=8)
    assert section(result)[0] == "2 warnings in 8 tests"


@pytest.mark.parametrize("middleware", [MIDDLEWARE, ()], ids=["with middleware", "without"])
def test_each_request_is_judged_by_itself(shop: Shop, middleware: tuple[str, ...]) -> None:
    """Twelve requests through one line are no loop of the site; one request with a loop is."""
    shop.configure(middleware)
    found = shop.json(
        """
        def test_pages(client, books):
            for book in Book.objects.all():
                client.get(f"/books/{book.pk}/")
            client.get("/books/")
            client.get("/books/")
        """
    )
    assert [(each["kind"], each["origin"]["file"], each["count"]) for each in found] == [
        ("n_plus_one", "shop/urls.py", ROWS)
    ]


def test_each_task_is_judged_by_itself(shop: Shop) -> None:
    """A test that runs twelve of them eagerly is no loop of theirs."""
    shop.write(
        "shop/tasks.py",
        """
        from celery import Celery
        from shop.models import Book
        from shop.shelf import names

        app = Celery("shop", set_as_current=False)
        app.conf.task_always_eager = True

        @app.task
        def title(pk):
            return Book.objects.get(pk=pk).title

        @app.task
        def everything():
            return names()
        """,
    )
    settings = (shop.path / "shop" / "settings.py").read_text(encoding="utf-8")
    shop.write("shop/settings.py", settings + 'INSTALLED_APPS += ["perfkit.celery"]\n')
    found = shop.json(
        """
        from shop.tasks import everything, title

        def test_tasks(books):
            for book in Book.objects.all():
                title.delay(book.pk).get()
            everything.delay().get()
        """
    )
    assert [(each["kind"], each["origin"]["file"]) for each in found] == [
        ("n_plus_one", "shop/shelf.py")
    ]


def test_looking_again_at_what_a_request_changed_is_fine(shop: Shop) -> None:
    """The test reads the same before and after; what the request wrote is the request's record."""
    found = shop.json(
        """
        def test_before_and_after(client, books):
            for expected in [12] * 6:
                assert Book.objects.count() == expected
                client.get("/books/1/")
        """
    )
    assert found == []


def test_a_test_makes_its_data_as_it_likes(shop: Shop) -> None:
    """By hand, through a helper beside the tests, and through a factory's own reads."""
    shop.write(
        "shop/factories.py",
        """
        from shop.models import Author, Book

        def make(number):
            author = Author.objects.filter(name=f"author {number}").first()
            return Book.objects.create(
                title=str(number), author=author or Author.objects.create(name="author")
            )
        """,
    )
    found = shop.json(
        """
        from shop.factories import make

        def test_by_hand(db):
            for number in range(12):
                Author.objects.create(name=str(number))
            assert Author.objects.count() == 12

        def test_by_factory(db):
            for number in range(12):
                make(number)
        """
    )
    assert found == []


def test_a_live_server_is_recorded(shop: Shop) -> None:
    """Its requests run in a thread with a context of its own."""
    found = shop.json(
        """
        from urllib.request import urlopen

        @pytest.mark.django_db(transaction=True)
        def test_live(live_server, books):
            assert urlopen(f"{live_server.url}/books/").status == 200
        """
    )
    assert [each["origin"]["file"] for each in found] == ["shop/urls.py"]


def test_what_streams_after_the_view_belongs_to_the_request(shop: Shop) -> None:
    """A body is made while the test reads it."""
    shop.write(
        "shop/urls.py",
        """
        from django.http import StreamingHttpResponse
        from django.urls import path
        from shop.models import Book

        def stream(request):
            return StreamingHttpResponse(book.author.name for book in Book.objects.all())

        urlpatterns = [path("stream/", stream)]
        """,
    )
    found = shop.json(
        """
        def test_stream(client, books):
            assert len(list(client.get("/stream/").streaming_content)) == 12
        """
    )
    assert [(each["kind"], each["count"]) for each in found] == [("n_plus_one", ROWS)]


def test_a_failure_of_ours_fails_no_test(shop: Shop) -> None:
    """A record that cannot be made leaves the test as it is, and the summary says so."""
    result = shop.run(
        """
        from perfkit.capture.current import current

        class Broken(list):
            def __iter__(self):
                raise KeyError("ours")

        def test_broken(books):
            current.get().events = Broken()
            names()
        """,
        "--perfkit=fail",
    )
    result.assert_outcomes(passed=1)
    assert section(result)[:2] == [
        "No findings in 1 test",
        "perfkit failed to look at 1 test: see the log of perfkit in the first of them",
    ]
