"""The servers of the deployment check, each with its options as an operator would write them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: uWSGI runs threads without being asked since 2.0.27; this one still has to be asked.
OLD_UWSGI = "2.0.26"

WSGI = "django.core.wsgi:get_wsgi_application()"
ASGI = "django.core.asgi:get_asgi_application"

_GUNICORN = (
    "-m",
    "gunicorn",
    "--bind",
    "127.0.0.1:{port}",
    "--log-level",
    "info",
    "--no-control-socket",
)
_UVICORN = ("-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--log-level", "critical")
_UWSGI = ("--http-socket", "127.0.0.1:{port}", "--module", WSGI, "--virtualenv", sys.prefix)
_UWSGI += ("--disable-logging", "--master", "--need-app")
_CUT_OFF = "a busy worker is cut off"
_GRANIAN = "granian --host 127.0.0.1 --port {port} --log-level critical"
#: uWSGI's own end cuts a busy worker off; this is its documented way to let it finish.
_GRACEFUL = ("--hook-master-start", "unix_signal:15 gracefully_kill_them_all")


@dataclass(frozen=True, slots=True)
class Row:
    """One way to run the site.

    Args:
        server: the distribution that serves.
        options: what distinguishes this row, as an operator writes it.
        words: the command, ``{port}`` filled in later; without a program Python runs it.
        program: what to run instead of Python.
        at_once: requests at the same time.
        serves: whether it answers HTTP; a worker that runs tasks does not.
        lost_at_term: why ``SIGTERM`` may lose the last interval here, ``""`` where it must not.
    """

    server: str
    options: str
    words: tuple[str, ...]
    program: str = sys.executable
    at_once: int = 4
    version: str = ""
    lost_at_term: str = ""
    serves: bool = True

    @property
    def name(self) -> str:
        return f"{self.server} {self.options}".strip()

    def command(self, port: int) -> list[str]:
        return [self.program, *(word.replace("{port}", str(port)) for word in self.words)]

    def known_version(self) -> str:
        return self.version or version(self.server)


def _gunicorn(options: str, *, asgi: bool = False, at_once: int = 4) -> Row:
    site = f"{ASGI}()" if asgi else WSGI
    return Row("gunicorn", options, (*_GUNICORN, *options.split(), site), at_once=at_once)


def _uvicorn(options: str, lost_at_term: str = "") -> Row:
    words = (*_UVICORN, *options.split(), "--factory", ASGI)
    return Row("uvicorn", options, words, at_once=8, lost_at_term=lost_at_term)


def _uwsgi(options: str, *, old: bool = False, at_once: int = 4, lost_at_term: str = "") -> Row:
    folder = Path(sys.prefix)
    program = folder / "uwsgi-old" / "bin" / "uwsgi" if old else folder / "bin" / "uwsgi"
    told = version("uwsgi") if not old else OLD_UWSGI
    words = (*_UWSGI, *(() if "--die-on-term" in options else _GRACEFUL), *options.split())
    return Row("uwsgi", options, words, str(program), at_once, told, lost_at_term)


def _other(words: str, options: str = "", lost_at_term: str = "") -> Row:
    server, *rest = words.split()
    words_of = ("-m", server, *options.split(), *rest)
    return Row(server, options, words_of, at_once=8, lost_at_term=lost_at_term)


def _celery(options: str) -> Row:
    words = ("-m", "celery", "-A", "deploy_tasks", "worker", "--loglevel", "WARNING")
    words += ("--without-gossip", "--without-mingle", "--without-heartbeat")
    return Row("celery", options, (*words, *options.split()), serves=False)


def rows() -> list[Row]:
    """Return every row of the table."""
    return [
        _gunicorn("--workers 2"),
        _gunicorn("--workers 2 --preload"),
        _gunicorn("--workers 2 --max-requests 50"),
        _gunicorn("--workers 2 --threads 4", at_once=8),
        _gunicorn("--workers 2 --threads 4 --preload", at_once=8),
        _gunicorn("--workers 2 --threads 4 --max-requests 50", at_once=8),
        _gunicorn("--workers 2 --worker-class gevent", at_once=8),
        _gunicorn(
            "--workers 2 --worker-class gevent --preload --config python:deploy_gevent", at_once=8
        ),
        _gunicorn("--workers 2 --worker-class gevent --max-requests 50", at_once=8),
        _gunicorn("--workers 2 --worker-class asgi", asgi=True, at_once=8),
        _gunicorn("--workers 2 --worker-class uvicorn_worker.UvicornWorker", asgi=True, at_once=8),
        _uvicorn(""),
        _uvicorn("--workers 2"),
        _uvicorn("--limit-max-requests 50 --workers 2"),
        _uvicorn("--lifespan off", lost_at_term="nobody tells of the end"),
        _uwsgi("--processes 2"),
        _uwsgi("--processes 2 --threads 4", at_once=8),
        _uwsgi("--processes 2 --lazy-apps"),
        _uwsgi("--processes 2 --max-requests 50"),
        _uwsgi("--processes 2", old=True),
        _uwsgi("--processes 2 --lazy-apps", old=True),
        _uwsgi("--processes 2 --enable-threads", old=True),
        # Without perfkit too, it hangs now and then when it is to end gracefully.
        _uwsgi(
            "--processes 2 --threads 4 --die-on-term", old=True, at_once=8, lost_at_term=_CUT_OFF
        ),
        _uwsgi("--processes 2 --die-on-term", lost_at_term=_CUT_OFF),
        _uwsgi(
            "--processes 2 --gevent 20 --gevent-early-monkey-patch",
            at_once=8,
            lost_at_term="its gevent loop leaves Python's end out",
        ),
        _other("hypercorn --bind 127.0.0.1:{port} deploy_asgi:site", "--workers 2"),
        _other("daphne -b 127.0.0.1 -p {port} -v 0 deploy_asgi:site"),
        _other(f"{_GRANIAN} deploy_asgi:site", "--interface asgi --workers 2"),
        _other(
            "waitress --host 127.0.0.1 --port {port} deploy_asgi:wsgi",
            "--threads 4",
            lost_at_term="knows no SIGTERM: it dies of it",
        ),
        _celery("--pool prefork --concurrency 2"),
        _celery("--pool prefork --concurrency 2 --max-tasks-per-child 20"),
        _celery("--pool threads --concurrency 4"),
        _celery("--pool gevent --concurrency 10"),
        _celery("--pool solo"),
    ]
