"""``manage.py perfdash``: what it puts where, what it says, and how it ends."""

from __future__ import annotations

import json
import re
import time
from contextlib import redirect_stdout
from http.server import ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from django.core.management import BaseCommand, CommandError, call_command
from django.test import override_settings

from perfkit.conf import get_settings
from perfkit.dashboards.built import build
from perfkit.dashboards.server import GraphiteWeb
from perfkit.management.commands.perfdash import Command
from perfkit.store.marks import marks
from tests.dashboards.conftest import settings_of
from tests.dashboards.sent import Site
from tests.services import service


def perfdash(*words: str) -> str:
    """Run the command and return what it prints."""
    out = StringIO()
    call_command("perfdash", *words, stdout=out, stderr=StringIO())
    return out.getvalue()


def refused(*words: str) -> str:
    """Run a command that ends with status 2 and return why."""
    with pytest.raises(CommandError) as caught:
        perfdash(*words)
    assert caught.value.returncode == 2
    return str(caught.value)


def url_of(server: ThreadingHTTPServer) -> str:
    """Return where a server answers."""
    return f"http://127.0.0.1:{server.server_address[1]}"


def test_install_puts_the_dashboard_in_place(graphite: GraphiteWeb, site: Site) -> None:
    """It can be loaded under its name as it was written, and a second time replaces it."""
    assert perfdash("install") == f"graphite-web: {graphite.url}/dashboard/{site.prefix}\n"
    assert graphite.load(site.prefix) == build(get_settings()).graphite_web
    perfdash("install")
    perfdash("install", "--name", f"{site.prefix} é % ? #")
    assert graphite.load(f"{site.prefix} é % ? #") is not None
    assert graphite.load(f"{site.prefix} none") is None


def test_install_writes_grafanas_json(plain_site: Site, tmp_path: Path) -> None:
    """To a file, beside what goes to graphite-web, or to the output alone."""
    file = tmp_path / "grafana.json"
    assert f"Grafana: {file}" in perfdash("install", "--grafana", str(file))
    model = build(get_settings()).grafana
    assert json.loads(file.read_text()) == model
    assert json.loads(perfdash("install", "--grafana", "-")) == model


def test_install_needs_no_graphite_for_grafana(tmp_path: Path) -> None:
    """Who has Grafana alone sets no GRAPHITE_URL; without either there is nothing to do."""
    with override_settings(PERFKIT={}):
        perfdash("install", "--grafana", str(tmp_path / "x.json"))
        assert "PERFKIT['GRAPHITE_URL']" in refused("install")
        assert "PERFKIT['GRAPHITE_URL']" in refused("check")
    assert "No such file" in refused("install", "--grafana", str(tmp_path / "no" / "x.json"))


def test_check_passes_after_traffic(site: Site) -> None:
    """Every target is listed with what came, and the count is at the end."""
    perfdash("install")
    perfdash("deploy", "v1")
    lines = perfdash("check", "--since", "10min", "--strict").splitlines()
    assert lines[-1] == f"{len(lines) - 1} of {len(lines) - 1} targets have data, 0 failed."
    assert all(line.startswith("ok ") for line in lines[:-1])
    assert re.fullmatch(
        r"ok graphite-web Requests a second 1 series [1-9]\d* values", " ".join(lines[0].split())
    )


def test_check_fails_without_traffic(plain_site: Site) -> None:
    """Status 1, each empty target in full, and each series that nobody has sent."""
    silent = {**settings_of(plain_site), "STATSD": {"PREFIX": f"{plain_site.prefix}-silent"}}
    out = StringIO()
    with override_settings(PERFKIT=silent), pytest.raises(CommandError) as caught:
        call_command("perfdash", "check", stdout=out, stderr=StringIO())
    assert caught.value.returncode == 1
    lines = out.getvalue().splitlines()
    assert "FAILED graphite-web Requests a second" in " ".join(lines[0].split())
    assert lines[1].strip().startswith("alias(transformNull(")
    assert any("nothing yet: stats.counters." in line for line in lines)
    # That there was no deploy yet is no failure, and other sites' deploys are not this one's.
    assert any(line.startswith("none   grafana      Deploys") for line in lines)
    assert f"note: no dashboard '{plain_site.prefix}-silent' is installed" in out.getvalue()


def test_check_tells_as_json(plain_site: Site) -> None:
    """A program reads for each target where it stands, what came, and whether it passed."""
    perfdash("install")
    told = json.loads(perfdash("check", "--json", "--since", "10min"))
    assert (told["failed"], told["notes"]) == (0, [])
    assert told["targets"][0].pop("points") > 0
    assert told["targets"][0] == {
        "dashboard": "graphite-web",
        "panel": "Requests a second",
        "target": build(get_settings()).graphite_web["graphs"][0][1]["target"][0],
        "series": 1,
        "absent": [],
        "error": "",
        "passed": True,
    }


def test_check_looks_at_the_dashboard_that_is_installed(
    graphite: GraphiteWeb, plain_site: Site
) -> None:
    """A graph that somebody broke fails, and it is told that the dashboard is not ours any more."""
    perfdash("install")
    state: Any = graphite.load(plain_site.prefix)
    state["graphs"][0][1]["target"][0] = "stats.counters.nothing.here"
    graphite.save(plain_site.prefix, state)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("perfdash", "check", "--since", "10min", stdout=out)
    assert "is another than this perfkit's" in out.getvalue()
    assert "1 failed" in out.getvalue()


@pytest.mark.django_db
def test_deploy_marks_store_and_graphite(
    graphite: GraphiteWeb, plain_site: Site, tmp_path: Path
) -> None:
    """Reports and graphs of both kinds know of it, from the same second on."""
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "store.sqlite3")}
    began = time.time()
    with override_settings(PERFKIT={**settings_of(plain_site), "STORE": database}):
        assert perfdash("deploy", "v1.2 é") == "store: v1.2 é\nGraphite event: v1.2 é\n"
        tag = build(get_settings()).deploy_tag
    ((at, name),) = marks(database, 0)
    assert name == "v1.2 é"
    assert began <= at <= time.time()
    events = [each for each in graphite.events(tag, "-5min") if each["what"] == "v1.2 é"]
    assert [each["when"] for each in events] == [int(at) - 1]
    # graphite-web 1.1 fails on an event in the second in which a graph ends: this must not.
    assert graphite.render(f'events("{tag}")', "-5min")[0]["datapoints"]


@pytest.mark.django_db
def test_deploy_without_graphite_marks_the_store(tmp_path: Path) -> None:
    """A site may have reports alone, and one with neither is told."""
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "store.sqlite3")}
    with override_settings(PERFKIT={"STORE": database}):
        assert perfdash("deploy", "v2") == "store: v2\n"
    assert [name for _, name in marks(database, 0)] == ["v2"]
    with override_settings(PERFKIT={"STORE": False}):
        assert "no store and no PERFKIT['GRAPHITE_URL']" in refused("deploy", "v2")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("deploy", ""), "1 to 200 printable"),
        (("deploy", "x" * 201), "1 to 200 printable"),
        (("deploy", "a\nb"), "1 to 200 printable"),
        (("check", "--since", "-1h"), "expected one argument"),
        (("check", "--since", "yesterday"), "is no age"),
        (("check", "--since", "1h&target=x"), "is no age"),
        (("check", "--url", "ftp://x"), "does not begin with http"),
        (("install", "--name", "a/b"), "without a slash"),
        (("install", "--name", "x" * 129), "1 to 128"),
        ((), "required"),
        (("remove",), "invalid choice"),
    ],
)
def test_bad_options_are_refused(plain_site: Site, words: tuple[str, ...], reason: str) -> None:
    """One line says what is wrong with which value."""
    told = refused(*words)
    assert reason in told
    assert "\n" not in told


def test_a_server_that_is_not_there(plain_site: Site, other_server: ThreadingHTTPServer) -> None:
    """It is told which URL did not answer, and where it is set."""
    url = url_of(other_server)
    other_server.shutdown()
    other_server.server_close()
    for words in (("install",), ("check",), ("deploy", "v1")):
        told = refused(*words, "--url", url)
        assert url in told
        assert "PERFKIT['GRAPHITE_URL']" in told


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((200, b"<html><title>Log in</title></html>"), "answered no JSON: Log in"),
        ((200, b"\xff\xfe\x00"), "answered no JSON"),
        ((200, b""), "answered no JSON: nothing"),
        ((200, b'{"error": "Must be logged in"}'), "did not save the dashboard"),
        ((200, b"[]"), "did not save the dashboard"),
        (
            (500, b"<pre>Traceback\n  File x\nKeyError: &#x27;state&#x27;\n</pre>"),
            "KeyError: 'state'",
        ),
        ((404, b"\x1b[31mred"), "answered 404"),
        ((302, b""), "answered 302"),
        ((301, b""), "answered 301: it moved to /elsewhere"),
    ],
)
def test_a_server_that_is_something_else(
    plain_site: Site, other_server: ThreadingHTTPServer, answer: tuple[int, bytes], reason: str
) -> None:
    """Whatever answers in graphite-web's place, the reason is one printable line."""
    other_server.answer = answer  # type: ignore[attr-defined]  # set by the fixture
    told = refused("install", "--url", url_of(other_server))
    assert reason in told
    assert told.isprintable()


def test_a_password_is_sent_and_never_shown(
    plain_site: Site, other_server: ThreadingHTTPServer
) -> None:
    """A URL may hold a name and password for the proxy in front: no output and no error has them."""
    server = url_of(other_server).removeprefix("http://")
    other_server.answer = (403, b"no")  # type: ignore[attr-defined]  # set by the fixture
    told = refused("install", "--url", f"http://me:s%40cret@{server}/graphite/")
    assert "s%40cret" not in told
    assert "s@cret" not in told
    assert f"http://{server}/graphite/dashboard/save/" in told
    (headers,) = other_server.seen  # type: ignore[attr-defined]  # set by the fixture
    assert headers["Authorization"] == "Basic bWU6c0BjcmV0"


def test_a_browser_shows_the_picture_that_the_page_asks_for(
    graphite: GraphiteWeb, plain_site: Site
) -> None:
    """graphite-web draws each graph's URL as a PNG picture."""
    perfdash("install")
    state: Any = graphite.load(plain_site.prefix)
    base = service("PERFKIT_TEST_GRAPHITE")
    for _, _, url in state["graphs"]:
        with urlopen(base + url, timeout=30) as response:
            assert response.headers["Content-Type"] == "image/png"


def test_options_are_documented() -> None:
    """Each action and option that perfdash has of its own is in its page of the docs."""
    page = (Path(__file__).parents[2] / "docs" / "graphite.rst").read_text(encoding="utf-8")
    text = ""
    for words in ((), ("install",), ("check",), ("deploy",)):
        out = StringIO()
        with pytest.raises(SystemExit) as caught, redirect_stdout(out):
            perfdash(*words, "--help")
        assert caught.value.code == 0
        text += out.getvalue()
    djangos = set(re.findall(r"--[a-z-]+", BaseCommand().create_parser("m", "x").format_help()))
    ours = set(re.findall(r"--[a-z-]+", text)) - djangos
    assert {"--grafana", "--strict", "--since", "--url"} <= ours
    assert [option for option in sorted(ours) if option not in page] == []
    assert all(f"perfdash {action}" in page for action in ("install", "check", "deploy"))


def test_install_looks_at_what_was_saved(
    plain_site: Site, other_server: ThreadingHTTPServer
) -> None:
    """A server that says it saved, and gives something else back, did not."""
    other_server.answer = (200, b'{"success": true}')  # type: ignore[attr-defined]  # set by the fixture
    assert "gives back another dashboard" in refused("install", "--url", url_of(other_server))


def test_check_goes_on_after_an_answer_that_is_none(
    plain_site: Site, other_server: ThreadingHTTPServer
) -> None:
    """Each target that could not be evaluated is told with its reason, and counted."""
    other_server.answer = (200, b'{"error": "busy"}')  # type: ignore[attr-defined]  # set by the fixture
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("perfdash", "check", "--url", url_of(other_server), stdout=out)
    assert caught.value.returncode == 1
    assert "/render did not answer with a list: busy" in out.getvalue()


def test_on_the_command_line_it_ends_with_one_line(
    plain_site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shell sees the status, and a reader one line without a traceback."""
    with pytest.raises(SystemExit) as caught:
        Command().run_from_argv(["manage.py", "perfdash", "deploy", " "])
    assert caught.value.code == 2
    assert capsys.readouterr().err == "perfdash: deploy: a name is 1 to 200 printable characters\n"
