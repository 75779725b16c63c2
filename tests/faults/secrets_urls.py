"""Pages that handle secrets in every way that a page can."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from perfkit.record import Finding, RequestRecord
from tests.faults.planted import PLANTED


def ask(sql: str, params: list[object] | None = None) -> None:
    """Run a statement on the site's database; what it fails with is the page's business."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        cursor.fetchall()


@csrf_exempt
def page(request: HttpRequest, token: str) -> HttpResponse:
    """Use what came: in statements, cache keys, the session, headers and cookies."""
    told = f"{token} {request.GET.get('q')} {request.body!r} {request.headers} {request.COOKIES}"
    for _ in range(6):
        ask("SELECT %s, 1", [PLANTED["sql parameter"]])
        ask(f"SELECT '{PLANTED['sql literal']}', 1")
        ask(f"SELECT 1 /* {PLANTED['sql comment']} */")
        ask(f"SELECT 1 -- {PLANTED['sql line comment']}")
        ask(f"SELECT {PLANTED['sql number']} + 1")
        ask(f"SELECT x'{PLANTED['sql bytes']}'")
        ask("SELECT username FROM auth_user WHERE email LIKE %s", [f"%{PLANTED['sql pattern']}%"])
    ask("SELECT i FROM large WHERE name = %s", [PLANTED["explained parameter"]])
    ask(f"SELECT i FROM large WHERE name = '{PLANTED['explained literal']}' AND i > 1")
    list(User.objects.filter(email=PLANTED["orm value"]))
    list(User.objects.raw("SELECT * FROM auth_user WHERE email = %s", [PLANTED["raw value"]]))
    for user in User.objects.all():
        list(User.objects.filter(last_name=f"{PLANTED['loop value']}{user.pk}"))
    User.objects.filter(email=PLANTED["written value"]).update(last_name=PLANTED["written value"])
    cache.set(PLANTED["cache key"], PLANTED["cache value"])
    cache.get(PLANTED["cache key"])
    request.session["secret"] = PLANTED["session value"]
    response = HttpResponse(PLANTED["response body"] + told)
    response["X-Answer"] = PLANTED["response header"]
    response.set_cookie("answer", PLANTED["response cookie"])
    return response


@csrf_exempt
def failing(request: HttpRequest, token: str) -> HttpResponse:
    """Fail, with the secret in the exception and in a statement that fails."""
    try:
        ask(f"SELECT nonsense('{PLANTED['failed literal']}', %s)", [PLANTED["failed parameter"]])
    except DatabaseError as error:
        raise ValueError(PLANTED["exception text"], token) from error
    raise AssertionError


def redirect(request: HttpRequest, token: str) -> HttpResponse:
    """Send elsewhere."""
    return HttpResponseRedirect(f"/elsewhere/?{PLANTED['redirect']}")


def stream(request: HttpRequest, token: str) -> StreamingHttpResponse:
    """Stream."""

    def content() -> Iterator[bytes]:
        for _ in range(3):
            ask("SELECT %s, 2", [PLANTED["streamed"]])
            yield PLANTED["streamed"].encode()

    return StreamingHttpResponse(content())


def stalling(request: HttpRequest, token: str) -> HttpResponse:
    """Take so long that the watchdog looks into it: in Python, then in a statement."""
    secret = PLANTED["local variable"]
    pause = threading.Event()
    pause.wait(1.5)
    ask(
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) "
        f"SELECT count(*), '{PLANTED['running literal']}', %s FROM n",
        [PLANTED["running parameter"]],
    )
    return HttpResponse(secret)


def telling(record: RequestRecord, settings: object) -> list[Finding]:
    """Be an analyzer of the site's own, with a bug: it fails with all that it was given."""
    raise ValueError(record.to_dict())


urlpatterns = [
    path("page/<str:token>/", page),
    path("failing/<str:token>/", failing),
    re_path(r"^redirect/(?P<token>.+)/$", redirect),
    path("stream/<slug:token>/", stream),
    path("stalling/<str:token>/", stalling),
]
