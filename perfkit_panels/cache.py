"""The panel of caches: calls by the shape of their keys, and whether this route should be cached."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from perfkit.capture.current import Trace
from perfkit.record import RequestRecord
from perfkit_panels import cache_views
from perfkit_panels.account import Account
from perfkit_panels.bounded import cut, fitting
from perfkit_panels.guarded import GuardedPanel
from perfkit_panels.keys import shapes_of

MOST_SHAPES = 150
#: Different keys whose shapes are told apart.
MOST_KEYS = 5_000


class PerfkitCachePanel(GuardedPanel):
    """Shows what was asked of caches and found there; the advice is loaded when it is looked at."""

    title = gettext_lazy("perfkit: cache")
    template = "cache.html"

    def stats(self, account: Account) -> dict[str, Any]:
        """Return the calls by cache, operation and shape, those that took longest first."""
        rows = _rows(account.record, account.observation.trace)
        shown, left_out = fitting(rows, MOST_SHAPES)
        return {
            "head": dict(account.head),
            "is_recorded": account.observation.trace is not None,
            "is_whole": account.is_whole,
            "calls": len(account.record.cache_calls),
            "shapes": shown,
            "left_out": left_out,
        }

    def subtitle(self, stats: dict[str, Any]) -> str:
        """Say how many calls there were, and how many keys were found and missed."""
        if not stats["calls"]:
            return _("no calls")
        told = ngettext("%d call", "%d calls", stats["calls"]) % stats["calls"]
        head = stats["head"]
        found = {"hits": head["cache_hits"], "misses": head["cache_misses"]}
        return f"{told}: " + _("%(hits)d hits, %(misses)d misses") % found

    @classmethod
    def urls(cls) -> list[URLPattern]:
        """Return the address of the advice."""
        return [path("perfkit/cache-advice/", cache_views.advice, name="perfkit_cache_advice")]


def _rows(record: RequestRecord, trace: Trace | None) -> list[dict[str, Any]]:
    asked = trace.detail.keys if trace is not None and trace.detail is not None else {}
    known = dict.fromkeys(key for keys in asked.values() for key in keys if isinstance(key, str))
    shapes = shapes_of(list(known)[:MOST_KEYS])
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for at, call in enumerate(record.cache_calls):
        told = {shapes.get(key, "*") for key in asked.get(at, ())}
        shape = cut(", ".join(sorted(told)), 400)
        row = found.get((call.alias, call.operation, shape))
        if row is None:
            row = found[call.alias, call.operation, shape] = {
                "alias": call.alias,
                "operation": call.operation,
                "shape": shape,
                "calls": 0,
                "hits": 0,
                "misses": 0,
                "total_ms": 0.0,
            }
        row["calls"] += 1
        row["hits"] += call.hits
        row["misses"] += call.misses
        row["total_ms"] += call.duration_ms
    return sorted(found.values(), key=lambda row: -float(row["total_ms"]))
