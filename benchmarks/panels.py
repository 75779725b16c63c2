"""Compare what perfkit's panels cost a statement with what the toolbar's own SQL panel costs it.

    python benchmarks/panels.py

One process, one database in memory; the toolbar without panels, with its SQL panel, without panels above perfkit's
middleware, and with perfkit's five panels above it, take turns, request by request. Prints CPU microseconds of the
request's thread, medians: of a request with FEW statements, and of each statement from there to MANY. What the panels
cost is what they add to perfkit's middleware, which runs in production too; what both add to the bare toolbar stands
beside it. Exit status 1 when the panels cost more than LIMIT of the SQL panel for any page.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import thread_time
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

LIMIT = 0.10
FEW, MANY = 50, 450
ROUNDS = 41
#: Rounds that are not counted: caches are filled, bytecode is specialized.
WARM = 6
TOOLBAR = "debug_toolbar.middleware.DebugToolbarMiddleware"
PERFKIT = "perfkit.middleware.PerfkitMiddleware"
SQL_PANEL = "debug_toolbar.panels.sql.SQLPanel"

BARE, SQL, MIDDLEWARE, PANELS = (
    "toolbar without panels",
    "with its SQL panel",
    "with perfkit's middleware",
    "with perfkit's middleware and five panels",
)
#: Contender -> (middleware, panels).
CONTENDERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    BARE: ((TOOLBAR,), ()),
    SQL: ((TOOLBAR,), (SQL_PANEL,)),
    MIDDLEWARE: ((TOOLBAR, PERFKIT), ()),
    PANELS: ((TOOLBAR, PERFKIT), ("perfkit",)),
}

urlpatterns: list[object] = []


def main() -> int:
    """Measure every page and print a table for each."""
    set_up()
    worst = 0.0
    for page in ("loop/", "mixed/", "json/"):
        worst = max(worst, compared(page))
    print(f"largest ratio {worst:.1%}, allowed {LIMIT:.0%}")
    return int(worst > LIMIT)


def set_up() -> None:
    """Configure Django with a table and the pages."""
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="of the benchmark only",
        DEBUG=True,
        ROOT_URLCONF=__name__,
        STATIC_URL="/static/",
        INTERNAL_IPS=["127.0.0.1"],
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.staticfiles",
            "debug_toolbar",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        TEMPLATES=[
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
        ],
        DEBUG_TOOLBAR_PANELS=[SQL_PANEL],
        PERFKIT={"STORE": False, "WATCHDOG_SECONDS": None},
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import Group

    Group.objects.bulk_create(Group(name=f"group {number}") for number in range(MANY))
    add_pages()


def add_pages() -> None:
    """Add pages that run as many statements as their query string says."""
    from debug_toolbar.toolbar import DebugToolbar, debug_toolbar_urls
    from django.contrib.auth.models import Group
    from django.http import HttpRequest, HttpResponse, JsonResponse
    from django.urls import path

    from perfkit_panels import PANELS, phases

    DebugToolbar._panel_classes = panel_classes((SQL_PANEL, *PANELS))
    phases.install()

    def loop(request: HttpRequest) -> HttpResponse:
        for pk in range(1, int(request.GET["n"]) + 1):
            Group.objects.get(pk=pk)
        return HttpResponse("<html><body>loop</body></html>")

    def mixed(request: HttpRequest) -> HttpResponse:
        for number in range(int(request.GET["n"])):
            list(Group.objects.filter(pk=number).extra(select={f"c{number % 25}": "1"}))
        return HttpResponse("<html><body>mixed</body></html>")

    def as_json(request: HttpRequest) -> JsonResponse:
        loop(request)
        return JsonResponse({})

    pages = {"loop/": loop, "mixed/": mixed, "json/": as_json}
    urlpatterns.extend([*(path(*page) for page in pages.items()), *debug_toolbar_urls()])


def panel_classes(names: tuple[str, ...]) -> list[object]:
    """Import panels by their dotted paths; "perfkit" is all of perfkit's."""
    from django.utils.module_loading import import_string

    from perfkit_panels import PANELS

    return [
        import_string(each) for name in names for each in (PANELS if name == "perfkit" else (name,))
    ]


def compared(page: str) -> float:
    """Print the costs of a page for each contender; return perfkit's as a share of the SQL panel's."""
    asks = {name: asking(*given) for name, given in CONTENDERS.items()}
    took: dict[tuple[str, int], list[float]] = {
        (name, number): [] for name in CONTENDERS for number in (FEW, MANY)
    }
    for round_ in range(ROUNDS):
        for name, ask in asks.items():
            for number in (FEW, MANY):
                spent = ask(f"/{page}?n={number}")
                if round_ >= WARM:
                    took[name, number].append(spent)
    few = {name: median(took[name, FEW]) * 1e6 for name in CONTENDERS}
    # Of one round, so that what else the machine does meanwhile falls on both alike.
    each = {
        name: median(
            (many - less) * 1e6 / (MANY - FEW)
            for less, many in zip(took[name, FEW], took[name, MANY], strict=True)
        )
        for name in CONTENDERS
    }
    print(f"\n{page:<44} µs with {FEW} statements   µs a statement beyond   above the bare toolbar")
    for name in CONTENDERS:
        print(f"  {name:<42} {few[name]:18,.0f} {each[name]:23.1f} {each[name] - each[BARE]:24.1f}")
    theirs = each[SQL] - each[BARE]
    ratio = (each[PANELS] - each[MIDDLEWARE]) / theirs
    whole = (each[PANELS] - each[BARE]) / theirs
    fixed = (few[PANELS] - few[MIDDLEWARE]) / (few[SQL] - few[BARE])
    print(
        f"  a statement: the panels {ratio:.1%} of the SQL panel, with the middleware {whole:.1%}"
    )
    print(f"  a whole request with {FEW} statements: the panels {fixed:.1%} of the SQL panel")
    return ratio


def asking(middleware: tuple[str, ...], panels: tuple[str, ...]) -> Callable[[str], float]:
    """Return a function that asks for a URL and tells the CPU seconds of that."""
    from debug_toolbar.toolbar import DebugToolbar
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import RequestFactory, override_settings

    with override_settings(MIDDLEWARE=list(middleware)):
        handler = WSGIHandler()
    classes = panel_classes(panels)
    requests = RequestFactory()

    def ask(url: str) -> float:
        from django.db import reset_queries

        DebugToolbar._panel_classes = classes
        request = requests.get(url)
        reset_queries()
        gc.collect()
        gc.disable()
        started = thread_time()
        response = handler.get_response(request)
        spent = thread_time() - started
        gc.enable()
        assert response.status_code == 200, SimpleNamespace(body=response.content[:2_000])
        response.close()
        return spent

    return ask


if __name__ == "__main__":
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    sys.exit(main())
