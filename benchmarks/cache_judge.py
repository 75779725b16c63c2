"""Runs everything on one Django and judges it by the aims; gives plain data for the page."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import django
from cache_backends import Backend, locmem, shared
from cache_bars import RATE, Row, bars
from cache_cells import Cell, Grid, cells, grid, predicted
from cache_decorated import Decorate, by_cookie, by_header, cached, cached_site, for_anonymous
from cache_naive import at_mean_time, one_workers_view, poisson
from cache_observed import columns_of, observe
from cache_runs import Ran
from cache_trace import generated, halves, read
from cache_validation import REQUESTS, SELECTION

from perfkit.caching.advice import advise
from perfkit.caching.event import Event
from perfkit.caching.policy import (
    ANONYMOUS_ONLY,
    SITE_WIDE,
    TIMEOUTS,
    VARY_ON_COOKIE,
    VARY_ON_HEADERS,
    Policy,
)
from perfkit.caching.saving import Setting

#: Requests beyond which a folder without a limit takes too long: Django lists it with each store.
MOST_FILED = 10_000
_POLICIES: tuple[tuple[str, Policy, Decorate | None], ...] = (
    ("site-wide middleware", Policy(SITE_WIDE), None),
    ("vary_on_cookie", Policy(VARY_ON_COOKIE), by_cookie),
    ("vary_on_headers", Policy(VARY_ON_HEADERS, ("header:hx-request",)), by_header),
    ("anonymous only", Policy(ANONYMOUS_ONLY), for_anonymous),
)


class Judge:
    """One run of everything.

    Args:
        options: of the command.
        store: a store for perfkit, which is not written to.
        has_redis: whether there is one.
    """

    def __init__(self, options: argparse.Namespace, store: dict[str, Any], has_redis: bool) -> None:
        self.full = options.full
        self.has_redis = has_redis
        if options.trace:
            self.visits = read(options.trace)[: options.requests]
        else:
            self.visits = generated(options.requests or REQUESTS, options.seed)
        self.plain, self.events = observe(self.visits, store)
        self.columns = {workers: columns_of(self.events, workers) for workers in (1, 4, 16)}
        self.ran: dict[tuple[str, int], Ran] = {}
        self.grids: list[Grid] = []
        #: Workers -> share of the events that the sampling left.
        self.noted: dict[int, float] = {}

    def backends(self) -> Iterable[tuple[Backend, int]]:
        """Yield the caches, and how many workers each serves."""
        for workers in (1, 4, 16):
            yield locmem("unlimited", workers), workers
            yield locmem("usual", workers), workers
        shares = (1, 4, 16) if self.full else (4,)
        for workers in shares:
            yield shared("file300", "file 300 entries", workers), workers
            if len(self.visits) <= MOST_FILED:
                yield shared("file", "file unlimited", workers), workers
            if self.has_redis:
                yield shared("redis", "Redis", workers), workers

    def run(self) -> None:
        """Cache for real, on each cache with each timeout."""
        for backend, workers in self.backends():
            is_file = backend.facts.kind == "file"
            timeouts = TIMEOUTS if self.full else SELECTION[1:2] if is_file else SELECTION
            for timeout_s in timeouts:
                _tell(f"{backend.title}, {timeout_s} s")
                with backend.measured():
                    ran = cached(
                        self.visits, timeout_s, backend.aliases, self.plain, backend.before
                    )
                self.ran[backend.title, timeout_s] = ran
                self.grids.append(grid(self.columns[workers], backend, timeout_s, self.plain, ran))

    def policies(self) -> list[Cell]:
        """Cache in the other ways."""
        timeout_s, columns, made = 900, self.columns[1], []
        backend = locmem("unlimited", 1)
        for title, policy, decorate in _POLICIES:
            _tell(title)
            if decorate is None:
                ran = cached_site(self.visits, timeout_s, self.plain)
            else:
                ran = cached(self.visits, timeout_s, backend.aliases, self.plain, None, decorate)
            said = predicted(columns, backend, timeout_s, policy)
            made += cells(title, timeout_s, columns, said.outcomes, self.plain, ran)
        return made

    def sampled(self) -> list[Cell]:
        """Predict from a sample what was measured in processes with a cache each."""
        made = []
        for workers in (1, 4, 16):
            backend = locmem("unlimited", workers)
            columns = columns_of(self.events, workers, RATE)
            self.noted[workers] = sum(map(len, columns.values())) / len(self.events)
            for (title, timeout_s), ran in self.ran.items():
                if title == backend.title:
                    said = predicted(columns, backend, timeout_s)
                    compared = cells(title, timeout_s, columns, said.outcomes, self.plain, ran)
                    # A sample knows its ratio; how many requests there were is counted elsewhere.
                    made += [
                        replace(cell, hits=(each.hit_ratio * cell.gets, cell.hits[1]))
                        for cell, each in zip(compared[:-1], said.outcomes, strict=True)
                    ]
        return made

    def naive(self) -> list[Row]:
        """Return (timeout, measured, ours, Poisson's, saved measured, ours, at the mean time)."""
        rows = []
        title = locmem("unlimited", 1).title
        for each in self.grids:
            if each.whole.where != title:
                continue
            views = each.cells[:-1]
            columns = self.columns[1]
            gets = max(each.whole.gets, 1)
            formula = sum(poisson(columns[cell.view], cell.timeout_s) * cell.gets for cell in views)
            mean = sum(at_mean_time(cell, self.plain.views[cell.view].view_s) for cell in views)
            whole = each.whole
            rows.append(
                [whole.timeout_s, whole.ratio[1], whole.ratio[0], formula / gets, whole.saved_s[1],
                 whole.saved_s[0], mean]
            )  # fmt: skip
        return rows

    def one_worker(self) -> list[Row]:
        """Return (workers, timeout, measured on one cache for all, ours, one worker's view)."""
        unlimited, rows = locmem("unlimited", 1), []
        for workers in (4, 16):
            for each in self.grids:
                if each.whole.where == unlimited.title:
                    timeout_s = each.whole.timeout_s
                    alone = one_workers_view(self.events, workers, unlimited, timeout_s)
                    rows.append(
                        [workers, timeout_s, each.whole.ratio[1], each.whole.ratio[0], alone]
                    )
        return rows

    def drift(self) -> list[Row]:
        """Return (timeout, said of the first half, measured in the second, the same of views' worst)."""
        cut, backend, rows = halves(self.visits), locmem("unlimited", 1), []
        early: dict[int, Event] = {
            number: event for number, event in self.events.items() if event.at < cut
        }
        columns = columns_of(early, 1)
        for (title, timeout_s), ran in self.ran.items():
            if title != backend.title:
                continue
            said = predicted(columns, backend, timeout_s).outcomes
            first = sum(each.hits for each in said) / max(
                sum(each.all_requests for each in said), 1
            )
            late = [ran.late[view] for view in columns]
            second = sum(each.hits for each in late) / max(sum(each.gets for each in late), 1)
            views = [
                (abs(each.hit_ratio - tally.hits / tally.gets), view)
                for view, each, tally in zip(columns, said, late, strict=True)
                if tally.gets >= 100
            ]
            worst = max(views, default=(0.0, ""))
            rows.append([timeout_s, first, second, *worst])
        return rows

    def verdicts(self) -> list[Row]:
        """Return (view, verdict, timeout, reasons)."""
        setting = Setting(locmem("usual", 1).facts, 0.0, 0.01)
        advice = advise(columns_of(self.events, 1), setting)
        return [
            [each.route, each.verdict, each.timeout, ", ".join(each.reasons)] for each in advice
        ]


def judged(options: argparse.Namespace, store: dict[str, Any], has_redis: bool) -> dict[str, Any]:
    """Run everything and judge it."""
    judge = Judge(options, store, has_redis)
    _tell(f"{len(judge.visits)} requests, {len(judge.events)} events")
    judge.run()
    policies, sampled, verdicts = judge.policies(), judge.sampled(), judge.verdicts()
    return {
        "django": django.get_version(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "load": os.getloadavg()[0],
        "trace": options.trace.name if options.trace else "made up",
        "requests": len(judge.visits),
        "events": len(judge.events),
        "visitors": len({visit.visitor for visit in judge.visits}),
        "addresses": len({(visit.view, visit.page) for visit in judge.visits}),
        "redis": has_redis,
        "noted": judge.noted,
        "bars": bars(judge.grids, policies, sampled, verdicts),
        "grids": [_grid_row(each) for each in judge.grids],
        "views": [
            _row(cell) for each in judge.grids[: 3 if not judge.full else 7] for cell in each.cells
        ],
        "policies": [_row(cell) for cell in policies],
        "sampled": [_row(cell) for cell in sampled],
        "naive": judge.naive(),
        "one_worker": judge.one_worker(),
        "drift": judge.drift(),
        "verdicts": verdicts,
    }


def _row(cell: Cell) -> Row:
    return [
        cell.where,
        cell.view,
        cell.timeout_s,
        cell.gets,
        *cell.ratio,
        *cell.saved_s,
        *cell.stale,
    ]


def _grid_row(each: Grid) -> Row:
    return [*_row(each.whole), *each.memory, *each.own_s, each.is_full]


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
