"""Views of the reference's list that hang on who asks."""

from __future__ import annotations

import time
from random import Random
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.template import engines
from django.utils import timezone

from tests.caching.behaviors.behavior import FEW, anybody, behavior
from tests.caching.behaviors.world import Visitor, spend

PAGE = "<p>What everybody may read, and does.</p>" * 20


@behavior(3, "fragment", reasons=["csrf_token"], visits=anybody("/csrf_form/", FEW))
def csrf_form(request: HttpRequest) -> HttpResponse:
    """A form with Django's own tag."""
    spend(30)
    form = engines["django"].from_string("<form>{% csrf_token %}</form>")
    return HttpResponse(PAGE + form.render({}, request))


@behavior(4, "fragment", reasons=["csrf_token"], visits=anybody("/csrf_meta/", FEW))
def csrf_meta(request: HttpRequest) -> HttpResponse:
    """A token for scripts."""
    spend(30)
    return HttpResponse(f'<meta name="csrf-token" content="{get_token(request)}">' + PAGE)


@behavior(5, "do_not_cache", reasons=["messages_shown"], visits=anybody("/shows_messages/", FEW))
def shows_messages(request: HttpRequest) -> HttpResponse:
    """Messages of whom they are for."""
    spend(30)
    if request.user.is_authenticated and request.user.pk % 5 == 0:
        messages.info(request, f"Welcome back, {request.user}")
    return HttpResponse(PAGE + "".join(map(str, messages.get_messages(request))))


@behavior(6, "anonymous_only", reasons=["personalized"], visits=anybody("/greeting/", 800))
def greeting(request: HttpRequest) -> HttpResponse:
    """Another page for each user, one for all others."""
    spend(30)
    name = request.user.username if request.user.is_authenticated else "stranger"
    return HttpResponse(f"Hello {name}" + PAGE)


@behavior(
    7,
    "cache_page_vary",
    reasons=["varies_by_attribute"],
    attribute="logged_in",
    visits=anybody("/login_link/", 500),
)
def login_link(request: HttpRequest) -> HttpResponse:
    """A link to log in, or out."""
    spend(30)
    return HttpResponse(PAGE + ("log out" if request.user.is_authenticated else "log in"))


@behavior(
    8,
    "cache_page_vary",
    reasons=["varies_by_attribute"],
    attribute="staff",
    visits=anybody("/staff_button/", 760),
)
def staff_button(request: HttpRequest) -> HttpResponse:
    """A button for staff."""
    spend(30)
    return HttpResponse(PAGE + ("<a>edit</a>" if request.user.is_staff else ""))


@behavior(
    9,
    "low_level",
    reasons=["permission_dependent", "login_required"],
    visits=anybody("/members/", 760),
)
@login_required
def members(request: HttpRequest) -> HttpResponse:
    """The same for all members, and for nobody else."""
    spend(30)
    return HttpResponse(PAGE)


@behavior(
    10, "do_not_cache", reasons=["permission_dependent"], route="object/<int:number>/",
    visits=anybody(lambda rng: f"/object/{rng.randrange(25)}/", only=lambda each: not each.is_anonymous),
)  # fmt: skip
def object_page(request: HttpRequest, number: int) -> HttpResponse:
    """An object that half of the members may see."""
    spend(30)
    if ((request.user.pk or 0) + number) % 2:
        raise PermissionDenied
    return HttpResponse(f"{number}" + PAGE)


@behavior(12, "cache_page", site="zones")
def local_time_zone(request: HttpRequest) -> HttpResponse:
    """Times in the zone that a middleware has activated."""
    spend(30)
    opening = timezone.localtime(
        timezone.datetime(2027, 1, 1, 9, tzinfo=timezone.get_default_timezone())
    )
    return HttpResponse(f"opens {opening:%H:%M %Z}" + PAGE)


@behavior(13, "cache_page_vary", attribute="cookie:cur", site="shops")
def prices(request: HttpRequest) -> HttpResponse:
    """Prices in the currency of a cookie."""
    spend(30)
    return HttpResponse(f"10 {request.COOKIES.get('cur')}" + PAGE)


def _with_token(rng: Random, visitor: Visitor) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer token-of-{visitor.number}"}


@behavior(
    34, "cache_page_vary", reasons=["personalized"], attribute="header:authorization",
    visits=anybody("/api_of_mine/", 700, 0.5, headers=_with_token, only=lambda each: each.number % 2 == 0),
)  # fmt: skip
def api_of_mine(request: HttpRequest) -> HttpResponse:
    """Stands for REST framework's view, which the site's ``views`` put in its place."""
    raise NotImplementedError


@behavior(38, "do_not_cache", reasons=["writes_on_get"], visits=anybody("/counted/", FEW))
def counted(request: HttpRequest) -> HttpResponse:
    """A page that counts its views."""
    from tests.library.models import Note

    spend(30)
    Note.objects.filter(pk=1).update(text=str(time.time()))
    return HttpResponse(PAGE)


@behavior(
    39, "do_not_cache", reasons=["session_written"], site="carts", visits=anybody("/cart/", FEW)
)
def cart(request: HttpRequest) -> HttpResponse:
    """A page that keeps in the session what was looked at."""
    spend(30)
    request.session["last"] = "cart"
    return HttpResponse(PAGE)


@behavior(40, "do_not_cache", reasons=["staff_only"], visits=anybody("/backstage/", 600))
def backstage(request: HttpRequest) -> HttpResponse:
    """For staff only."""
    spend(30)
    if not request.user.is_staff:
        return HttpResponseRedirect("/login/")
    return HttpResponse(PAGE)


@behavior(50, "cache_page_vary", attribute="cookie:ab", site="shops")
def experiment(request: HttpRequest) -> HttpResponse:
    """Two variants, by a cookie."""
    spend(30)
    return HttpResponse(("old" if request.COOKIES.get("ab") == "a" else "new") + PAGE)


@behavior(
    51, "cache_page_vary", reasons=["personalized", "repeats_per_visitor"], site="carts",
    visits=anybody("/my_cart/", 700, 0.5),
)  # fmt: skip
def my_cart(request: HttpRequest) -> HttpResponse:
    """What is in the cart of a visitor's session."""
    spend(30)
    return HttpResponse(f"in your cart: {request.session.get('cart')}" + PAGE)


@behavior(
    59,
    "anonymous_only",
    reasons=["personalized"],
    visits=anybody("/statement/", 800),
)
def statement(request: HttpRequest) -> HttpResponse:
    """One body, under a name of one's own."""
    spend(30)
    headers = {
        "Content-Disposition": f'attachment; filename="{request.user.username or "you"}.csv"'
    }
    return HttpResponse(PAGE, headers=headers)


def rest_view() -> Any:
    """Return REST framework's view of behavior 34."""
    from django.contrib.auth.models import User
    from rest_framework.authentication import BaseAuthentication
    from rest_framework.response import Response
    from rest_framework.views import APIView

    class Token(BaseAuthentication):
        def authenticate(self, request: Any) -> Any:
            number = request.headers["Authorization"].rpartition("-")[2]
            return User(pk=int(number) + 1, username=f"api{number}"), None

    class Mine(APIView):
        authentication_classes = (Token,)

        def get(self, request: Any) -> Any:
            spend(30)
            return Response({"name": request.user.username})

    return Mine.as_view()
