"""The list: captures and kept requests, what waits to be captured, and the forms that start it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import time
from typing import Any, Final

from django.db.utils import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazily

from perfkit.conf import get_settings
from perfkit.errors import StoreError
from perfkit.metrics.sample import ERRORED, N_PLUS_ONE, SLOWEST
from perfkit.profiling.capture import CPROFILE, ENGINES
from perfkit.profiling.start import MOST_ORDERED
from perfkit.report.wording import age, duration, moment
from perfkit.store import captures as stored
from perfkit.store.captures import CaptureRow
from perfkit.store.samples import MOST_READ, Kept, kept_samples
from perfkit.views import names
from perfkit.views.access import for_staff, owner_of
from perfkit.views.filters import STATUSES, Filters, filters_of
from perfkit.views.page import page

MOST_CAPTURES: Final = 200
MOST_KEPT: Final = 200
_KINDS: Final = {
    SLOWEST: lazily("slowest"),
    ERRORED: lazily("failed"),
    N_PLUS_ONE: lazily("worst N+1"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One capture or kept request in its table, every text printable."""

    id: str
    route: str
    method: str
    at: str
    status: str
    duration: str
    statements: str
    how: str
    is_mine: bool = True


@for_staff("GET", "HEAD")
def captures(request: HttpRequest) -> HttpResponse:
    """Show the list."""
    return listing(request)


def listing(request: HttpRequest, *, refused: str = "", status: int = 200) -> HttpResponse:
    """Render the list, also as the answer to a form that was refused.

    Args:
        request: the request; its query string filters.
        refused: why nothing was started.
        status: of the answer.
    """
    settings = get_settings()
    filters = filters_of(request.GET)
    owner = owner_of(request)
    context: dict[str, Any] = {
        "refused": refused,
        "filters": filters,
        "statuses": [(each, f"{each}xx" if each else _("any")) for each in STATUSES],
        "engines": [(each, names.ENGINES[each]) for each in ENGINES],
        "order_engines": [(each, names.ENGINES[each]) for each in ENGINES if each != CPROFILE],
        "most_ordered": MOST_ORDERED,
        "most_captures": MOST_CAPTURES,
        "most_kept": MOST_KEPT,
        "most_read": MOST_READ,
        "given": request.POST,
        "disabled": _why_off(settings.store, settings.captures, settings.enabled),
    }
    if settings.store is not None:
        try:
            context |= _read(settings.store, owner, filters)
        except (DatabaseError, StoreError, OSError) as error:
            context["unreadable"] = names.short(f"{type(error).__name__}: {error}")
    return page(request, "list.html", context, scripts=("captures.js",), status=status)


def _why_off(store: object, most: int, enabled: bool) -> str:
    if store is None:
        return _("There is no store: PERFKIT['STORE'] is False. Captures need one.")
    if not most:
        return _("PERFKIT['CAPTURES'] is 0: no captures are kept.")
    return "" if enabled else _("Recording is off: PERFKIT['ENABLED'] or PERFKIT_DISABLED.")


def _read(store: Mapping[str, Any], owner: str, filters: Filters) -> dict[str, Any]:
    rows = stored.listed(
        store,
        owner,
        name=filters.route,
        limit=MOST_CAPTURES,
        status=filters.status,
        longer_ms=filters.longer_ms,
        statements=filters.statements,
    )
    if filters.loops:  # no column tells it
        rows = tuple(row for row in rows if _has_loops(store, row.id))
    kept = kept_samples(store, route=filters.route)
    matching = list(_requests(kept, filters))
    now = time()
    orders = stored.orders(store, now) if stored.exists(store) else ()
    return {
        "captures": [_capture(row) for row in rows],
        "pair": _pair(rows),
        "orders": [
            {
                "id": order.id,
                "what": names.short(f"{order.method} {order.route}".strip()) or _("any route"),
                "slower": duration(order.slower_ms) if order.slower_ms else "",
                "taken": order.taken,
                "count": order.count,
                "engine": names.ENGINES.get(order.engine, ""),
                "left": age(order.expires - now),
            }
            for order in orders
            if order.owner == owner
        ],
        "kept": matching[:MOST_KEPT],
        "more_kept": max(len(matching) - MOST_KEPT, 0),
        "all_read": len(kept) < MOST_READ,
        "routes": sorted({row.route for row in matching if row.route.startswith("/")})[:100],
    }


def _pair(rows: tuple[CaptureRow, ...]) -> dict[str, str]:
    """Choose the newest two of one route, to be compared."""
    newer: dict[tuple[str, str], str] = {}
    for row in rows:
        if after := newer.get((row.name, row.method)):
            return {"before": row.id, "after": after}
        newer[row.name, row.method] = row.id
    return {}


def _has_loops(store: Mapping[str, Any], id: str) -> bool:  # noqa: A002 - its name in the URL
    capture = stored.read(store, id)
    findings = capture.record.get("findings") if capture else None
    return isinstance(findings, list | tuple) and any(
        isinstance(each, Mapping) and each.get("kind") == "n_plus_one" for each in findings
    )


def _capture(row: CaptureRow) -> Row:
    return Row(
        id=row.id,
        route=names.short(row.name),
        method=names.short(row.method),
        at=moment(row.at, zone=""),
        status=str(row.status or ""),
        duration=duration(row.duration_ms),
        statements=f"{row.statements:,}",
        how=f"{names.ENGINES.get(row.engine, '')}, {names.REASONS.get(row.reason, '')}",
        is_mine=bool(row.owner),
    )


def _requests(kept: tuple[Kept, ...], filters: Filters) -> Iterator[Row]:
    """Yield each request once, whatever it is kept for."""
    same: dict[tuple[str, str, float], list[Kept]] = {}
    for each in kept:
        if filters.match(each.sample.data):
            same.setdefault((each.sample.route, each.sample.method, each.sample.at), []).append(
                each
            )
    for (route, method, at), found in same.items():
        data = found[0].sample.data
        yield Row(
            id=str(found[0].id),
            route=names.short(route),
            method=names.short(method),
            at=moment(at, zone=""),
            status=names.short(str(data.get("status", ""))),
            duration=duration(float(data.get("duration_ms") or 0.0)),
            statements=f"{int(data.get('statements') or 0):,}",
            how=", ".join(str(_KINDS.get(each.sample.kind, each.sample.kind)) for each in found),
        )
