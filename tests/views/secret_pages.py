"""A page that handles secrets in every way that a page can, beside the capture pages."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine
from django.urls import include, path

from tests.faults.planted import PLANTED


def page(request: HttpRequest) -> HttpResponse:
    """Use what came and what is planted: in statements, keys, local variables, headers, the template."""
    secret = PLANTED["local variable"]
    told = f"{secret} {request.GET} {request.body!r} {request.headers}"
    with connection.cursor() as cursor:
        for _ in range(6):
            cursor.execute("SELECT %s, 1", [PLANTED["sql parameter"]])
            cursor.execute(f"SELECT '{PLANTED['sql literal']}', 1 /* {PLANTED['sql comment']} */")
            cursor.execute(f"SELECT {PLANTED['sql number']} + 1, x'{PLANTED['sql bytes']}'")
    for number in range(6):
        list(User.objects.filter(last_name=f"{PLANTED['loop value']}{number}"))
    cache.set(PLANTED["cache key"], PLANTED["cache value"])
    shown = Engine().from_string("{{ secret }}").render(Context({"secret": secret}))
    response = HttpResponse(PLANTED["response body"] + told + shown)
    response["X-Answer"] = PLANTED["response header"]
    response.set_cookie("answer", PLANTED["response cookie"])
    return response


def failing(request: HttpRequest) -> HttpResponse:
    """Fail, with a secret in the exception."""
    raise ValueError(PLANTED["exception text"])


urlpatterns = [
    path("perfkit/", include("perfkit.urls")),
    path("page/", page),
    path("failing/", failing),
]
