"""Stores written as a worker writes them, and the command run on them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from time import time
from typing import Any

import pytest
from django.core.management import call_command

from perfkit.conf import get_settings
from perfkit.metrics.aggregate import Aggregate
from perfkit.record import Finding, Query, RequestRecord, Site
from perfkit.store.sink import StoreSink

Write = Callable[..., None]
Run = Callable[..., str]
Shell = Callable[..., subprocess.CompletedProcess[str]]

ROOT = Path(__file__).parents[2]


def request(route: str = "/products/", **fields: Any) -> RequestRecord:
    """Make a record of one request, a minute ago unless said otherwise."""
    values: dict[str, Any] = {
        "method": "GET",
        "status": 200,
        "started_at": time() - 60,
        "duration_ms": 20.0,
        "ttfb_ms": 18.0,
        "db_ms": 5.0,
        "response_bytes": 1000,
        "statements": 3,
    }
    return RequestRecord(route=route, **{**values, **fields})


def loop(**fields: Any) -> Finding:
    """Make an n_plus_one finding."""
    values: dict[str, Any] = {
        "kind": "n_plus_one",
        "severity": "warning",
        "message": "shop.Product.supplier: the same statement 40 times in one loop",
        "count": 40,
        "saved": 40,
        "cost_ms": 38.2,
        "fingerprint": "f" * 12,
        "model": "shop.Product",
        "path": "supplier",
        "fix": '.select_related("supplier")',
        "access": Site("shop/templates/products.html", 12, ""),
        "origin": Site("shop/views.py", 25, "product_list"),
        "shape": 'SELECT "shop_supplier"."id" FROM "shop_supplier" WHERE "shop_supplier"."id" = ?',
        "alias": "default",
    }
    return Finding(**{**values, **fields})


def queries(*identities: int) -> tuple[Query, ...]:
    """Make SELECTs of which those with the same number are equal."""
    return tuple(
        Query("SELECT 1", "SELECT ?", "SELECT", (), "default", 0.0, 1.0, identity)
        for identity in identities
    )


@pytest.fixture
def make() -> Any:
    """Return the functions that make records, findings and queries by hand."""
    return sys.modules[__name__]


@pytest.fixture
def store(tmp_path: Path, settings: Any, django_db_blocker: Any) -> Iterator[Path]:
    """Point the site at a store in a folder of its own; the file is not there yet."""
    path = tmp_path / "store" / "perfkit.sqlite3"
    settings.PERFKIT = {"STORE": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}}
    # The store is no database of the test site, so no test database stands for it.
    with django_db_blocker.unblock():
        yield path


@pytest.fixture
def write(store: Path) -> Write:
    """Write records as one worker does: each worker is a call."""

    def write(*records: RequestRecord, recorded: bool = True, most_routes: int = 200) -> None:
        aggregate = Aggregate(most_routes)
        for record in records:
            aggregate.add(record, recorded, int(recorded))
        StoreSink(get_settings()).emit(aggregate.take())

    return write


@pytest.fixture
def run() -> Run:
    """Run the command in this process and return what it printed."""

    def run(**options: Any) -> str:
        out = StringIO()
        call_command("perfreport", stdout=out, **options)
        return out.getvalue()

    return run


@pytest.fixture
def site(store: Path, tmp_path: Path) -> dict[str, str]:
    """Return the environment of a site with one line in MIDDLEWARE and no app of perfkit's."""
    (tmp_path / "site_settings.py").write_text(
        "SECRET_KEY = 'of the test-suite only'\n"
        "MIDDLEWARE = ['perfkit.middleware.PerfkitMiddleware']\n"
        f"PERFKIT = {{'STORE': {{'ENGINE': 'django.db.backends.sqlite3', 'NAME': {str(store)!r}}}}}\n"
    )
    known = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    path = os.pathsep.join([str(ROOT), str(tmp_path)])
    return {**known, "DJANGO_SETTINGS_MODULE": "site_settings", "PYTHONPATH": path}


@pytest.fixture
def shell(site: dict[str, str]) -> Shell:
    """Run `python -m perfkit` in a process of its own."""

    def shell(*argv: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "perfkit", *argv],
            env={**site, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return shell


@pytest.fixture(autouse=True)
def paper_of_120_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no terminal, and no pytest-xdist, say how wide a report is."""
    monkeypatch.delenv("COLUMNS", raising=False)
