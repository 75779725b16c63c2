"""From a request to the store: plans are asked for after a flush, and never as a process ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import current_thread
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from perfkit import pipeline
from perfkit.flusher import THREAD_NAME
from perfkit.isolation import failures
from tests.explain.databases import ALIAS
from tests.library.models import Book
from tests.seen import Seen

SECRET = "s3cret-value"


def search(request: HttpRequest) -> HttpResponse:
    """Look for a text that no index leads to."""
    return HttpResponse(str(list(Book.objects.using(ALIAS).filter(title=request.GET["q"]))))


urlpatterns = [path("search/", search)]


def flush_and_explain() -> None:
    """Do what the flusher's thread does, in a thread of its name."""

    def flush() -> None:
        pipeline.sinks().flush_and_explain()

    with ThreadPoolExecutor(1, thread_name_prefix=THREAD_NAME) as pool:
        pool.submit(lambda: setattr(current_thread(), "name", THREAD_NAME)).result()
        pool.submit(flush).result()


@pytest.fixture
def watched(seen: Seen, settings: Any) -> Seen:
    """Serve the page of this module, and explain every statement."""
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = ["perfkit.middleware.PerfkitMiddleware"]
    seen.configure(EXPLAIN=True, SLOW_QUERY_MS=1e-9, ANALYZERS=[])
    return seen


def test_a_plan_is_a_finding_of_the_report(vendor: str, watched: Seen) -> None:
    """Found after one flush, written by the next, without a value."""
    Client().get("/search/", {"q": SECRET})
    watched.flush()
    flush_and_explain()
    pipeline.sinks().flush()
    stored = watched.stored()
    [(fingerprint, stats)] = stored.window.findings.items()
    assert stored.texts[fingerprint]["kind"] == "query_plan"
    assert stats.routes == {"GET /search/": 1}
    assert SECRET.encode() not in watched.path.read_bytes()


def test_a_process_that_ends_does_not_wait_for_plans(vendor: str, watched: Seen) -> None:
    """Its last flush writes what there is."""
    Client().get("/search/", {"q": SECRET})
    stored = watched.stored()
    assert (stored.window.requests, stored.window.findings) == (1, {})


def test_no_request_waits_for_a_plan(vendor: str, watched: Seen) -> None:
    """A server without threads flushes between two requests: there nothing is asked."""
    Client().get("/search/", {"q": SECRET})
    watched.flush()
    pipeline.sinks().flush_and_explain()
    explainer = pipeline.sinks().explainer
    assert explainer is not None
    assert explainer.skipped == {}
    assert watched.stored().window.findings == {}


def test_it_is_off_unless_asked_for(vendor: str, watched: Seen) -> None:
    """No second connection to a database is made by itself."""
    watched.configure(SLOW_QUERY_MS=1e-9, ANALYZERS=[])
    Client().get("/search/", {"q": SECRET})
    watched.flush()
    flush_and_explain()
    assert pipeline.sinks().explainer is None
    assert watched.stored().window.findings == {}


@pytest.mark.parametrize("name", ["collect", "run"])
def test_a_failure_of_ours_stays_with_us(
    vendor: str, watched: Seen, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The request counts, and the part is named."""

    def fail(*given: Any) -> None:
        raise RuntimeError("injected")

    monkeypatch.setattr(f"perfkit.explain.explainer.Explainer.{name}", fail)
    Client().get("/search/", {"q": SECRET})
    watched.flush()
    flush_and_explain()
    assert watched.stored().window.requests == 1
    assert failures["explain"] == 1
