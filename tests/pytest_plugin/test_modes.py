"""Off, report, fail: what each does to a run, and that the first does nothing."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.conftest import ROWS, Shop, section

LOOPS = """
    def test_loop(books):
        assert len(names()) == 12

    def test_loop_again(books):
        assert len(names()) == 12

    def test_page(client, books):
        assert client.get("/books/").status_code == 200

    def test_quiet(db):
        assert names() == []
"""


def test_off_is_the_default_and_does_nothing(shop: Shop) -> None:
    """No test fails, nothing is printed, nothing is hooked."""
    hooks = """
    def test_nothing_is_hooked(db, request):
        from django.core.handlers.base import BaseHandler
        from django.db import connection
        plugins = [name for name, _ in request.config.pluginmanager.list_name_plugin()]
        assert [name for name in plugins if name and name.startswith("perfkit-")] == []
        assert not hasattr(BaseHandler.get_response, "__wrapped__")
        assert [hook for hook in connection.execute_wrappers if "perfkit" in str(hook)] == []
    """
    shop.configure(middleware=())
    result = shop.run(LOOPS + hooks)
    result.assert_outcomes(passed=5)
    result.stdout.no_fnmatch_line("*perfkit:*")
    result.stdout.no_fnmatch_line("*= perfkit =*")


def test_report_tells_and_fails_nothing(shop: Shop) -> None:
    """Each finding once, with the number of tests, the first of them, and what to write where."""
    result = shop.run(LOOPS, "--perfkit=report")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["perfkit: report"])
    told = section(result)
    assert told[0] == "2 warnings in 4 tests"
    (first,) = [each for each in "\n".join(told[2:]).split("\n\n") if "shelf.py" in each]
    lines = first.splitlines()
    assert lines[0].startswith(f"n_plus_one, warning: shop.Book.author ({ROWS} statements")
    assert "  seen in test_shop.py::test_loop and 1 more test" in lines
    assert [line for line in lines if line.startswith("  write")] == [
        '  write   .select_related("author")  at shop/shelf.py:8'
    ]
    assert any(line.startswith("  loaded  shop/shelf.py:8 in names") for line in lines)


def test_fail_fails_the_tests_with_warnings(shop: Shop) -> None:
    """The message says what, where, and how to accept it; a test that is quiet passes."""
    result = shop.run(LOOPS, "--perfkit=fail")
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(
        [
            "*_ test_page _*",
            "perfkit finds what this test does not allow:",
            f"n_plus_one, warning: shop.Book.author ({ROWS} statements*",
            "*loaded*shop/urls.py:6 in books",
            '*write*.select_related("author")*shop/urls.py:6',
            '*accept*@pytest.mark.perfkit(allow=?"n_plus_one:shop.Book.author"?)',
        ]
    )
    # No traceback through our own code: there is nothing to see there.
    result.stdout.no_fnmatch_line("*recorder.py*")


def test_a_few_cheap_repeats_fail_nothing(shop: Shop) -> None:
    """A test has little data; what is only latent there is told in short."""
    result = shop.run(
        """
        def test_three(db):
            for number in range(3):
                Book.objects.create(title="x", author=Author.objects.create(name="x"))
            assert len(names()) == 3
        """,
        "--perfkit=fail",
    )
    result.assert_outcomes(passed=1)


def test_a_test_that_fails_by_itself_keeps_its_own_message(shop: Shop) -> None:
    """What it found is in the summary all the same."""
    result = shop.run(
        """
        from django.test import TestCase

        def test_wrong(books):
            assert names() == ["mine"]

        def test_skipped(books):
            names()
            pytest.skip("not today")

        class TestOld(TestCase):
            def test_wrong(self):
                fill()
                self.assertEqual(names(), ["mine"])
        """,
        "--perfkit=fail",
    )
    result.assert_outcomes(failed=2, skipped=1)
    result.stdout.no_fnmatch_line("*does not allow*")
    assert "  seen in test_shop.py::test_wrong and 2 more tests" in section(result)


@pytest.mark.parametrize("where", ["ini", "command line"])
def test_the_mode_may_stand_in_the_ini_file(shop: Shop, where: str) -> None:
    """And the command line goes before it."""
    shop.configure_pytest("perfkit = fail")
    if where == "ini":
        shop.run(LOOPS).assert_outcomes(passed=1, failed=3)
    else:
        shop.run(LOOPS, "--perfkit=off").assert_outcomes(passed=4)


def test_a_wrong_mode_is_told(shop: Shop) -> None:
    """In the ini file as on the command line."""
    assert shop.run(LOOPS, "--perfkit=on").ret == pytest.ExitCode.USAGE_ERROR
    shop.configure_pytest("perfkit = on")
    result = shop.again()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*perfkit = 'on' is not one of off, report, fail*"])


def test_without_django_it_is_inert(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project without settings runs its tests; one that asks for the fixture is skipped."""
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    pytester.makepyfile(
        test_plain="""
        import pytest

        @pytest.mark.perfkit(max_queries=0)
        def test_plain():
            pass

        def test_fixture(perfkit):
            raise AssertionError("not reached")
        """
    )
    options = ("-p", "no:cacheprovider", "-W", "error")
    result = pytester.runpytest_subprocess("--perfkit=fail", "--perfkit-json=found.json", *options)
    result.assert_outcomes(passed=1, skipped=1)
    assert '"tests": 0' in (pytester.path / "found.json").read_text(encoding="utf-8")
    result = pytester.runpytest_subprocess("-p", "no:django", *options)
    result.assert_outcomes(passed=1, skipped=1)


def test_parallel_workers_tell_it_once(shop: Shop) -> None:
    """Under pytest-xdist the summary and the files are those of one process."""
    options = ("--perfkit=fail", "--perfkit-json=found.json", "--perfkit-sarif=found.sarif")
    alone = shop.run(LOOPS, *options)
    files = [shop.path / "found.json", shop.path / "found.sarif"]
    written = [file.read_text(encoding="utf-8") for file in files]
    for file in files:
        file.unlink()
    shop.plugins = ("xdist",)
    parallel = shop.again(*options, "-n2")
    parallel.assert_outcomes(passed=1, failed=3)
    # Which test ended first, and how long the statements took, is the only difference.
    heads = [[line for line in section(each) if "statements" in line] for each in (alone, parallel)]
    assert heads[0] == heads[1]
    assert section(parallel)[0] == "2 warnings in 4 tests"
    assert [file.read_text(encoding="utf-8").count("fingerprint") for file in files] == [
        text.count("fingerprint") for text in written
    ]
