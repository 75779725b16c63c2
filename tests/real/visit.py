"""Visit a site three ways from one seeded state: without perfkit, with it, and with it while somebody else counts."""

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from crawl import Answer, Browser, discover
from environment import build, keep, restore, run, say, seed, serving
from sites import ROOT, Site, skip

#: Bounds of one visitor's crawl: addresses, addresses of one kind, seconds.
PAGES, ALIKE, SECONDS = 150, 3, 120.0

Plan = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Count:
    """What one route ran, added over its requests."""

    requests: int
    statements: int
    transactions: int


@dataclass(frozen=True, slots=True)
class Visit:
    """What came of a site's three crawls."""

    site: Site
    without: list[Answer]
    within: list[Answer]
    counted: list[Answer]
    lines: list[dict[str, Any]]
    text: str
    report: dict[str, Any]

    def independent(self) -> dict[tuple[str, str], Count]:
        """Add up the independent count by (route, method)."""
        routes: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for line in self.lines:
            routes[line["route"], line["method"]].append(line)
        return {
            key: Count(
                len(lines),
                sum(line["statements"] for line in lines),
                sum(line["transactions"] for line in lines),
            )
            for key, lines in routes.items()
        }

    def reported(self) -> dict[tuple[str, str], Count]:
        """Return perfkit's count by (route, method)."""
        return {
            (row["route"], row["method"]): Count(
                row["requests"],
                round(row["statements_per_request"] * row["requests"]),
                round(row["transactions_per_request"] * row["requests"]),
            )
            for row in self.report["routes"]
        }


def explore(site: Site) -> Plan:
    """Find the addresses to visit, once; pictures that the site makes on first sight are made by then."""
    say(site, "finding its pages by their links")
    plan: Plan = {}
    restore(site)
    with serving(site, perfkit=False) as port:
        for visitor in site.visitors:
            browser = Browser(port, visitor.name)
            if visitor.login:
                browser.log_in(visitor.login, visitor.form)
            plan[visitor.name] = discover(
                browser, visitor.starts, skip, pages=PAGES, alike=ALIKE, seconds=SECONDS
            )
    (site.data / "plan.json").write_text(json.dumps(plan))
    keep(site)
    return plan


def tour(site: Site, plan: Plan, *, perfkit: bool, counts: Path | None = None) -> list[Answer]:
    """Restore the seeded state, serve the site and ask for each planned address in turn."""
    answers: list[Answer] = []
    restore(site)
    with serving(site, perfkit=perfkit, counts=counts) as port:
        for visitor in site.visitors:
            browser = Browser(port, visitor.name)
            if visitor.login:
                answers += browser.log_in(visitor.login, visitor.form)
            answers += [browser.ask("GET", path) for path in plan[visitor.name]]
    return answers


@cache
def visit(site: Site) -> Visit:
    """Build, seed and crawl a site; what was built and seeded by an earlier run is used again."""
    build(site)
    made = seed(site)
    found = site.seeded / "plan.json"
    plan = explore(site) if made or not found.exists() else json.loads(found.read_text())
    say(site, f"crawling {sum(map(len, plan.values()))} addresses without perfkit")
    without = tour(site, plan, perfkit=False)
    say(site, "crawling with perfkit")
    within = tour(site, plan, perfkit=True)
    text = run(site, "python", "-m", "perfkit", "perfreport", perfkit=True)
    say(site, "crawling with perfkit and an independent count")
    counts = ROOT / ".real" / f"{site.name}-counts.jsonl"
    counts.unlink(missing_ok=True)
    counted = tour(site, plan, perfkit=True, counts=counts)
    report = json.loads(
        run(
            site,
            "python",
            "-m",
            "perfkit",
            "perfreport",
            "--format=json",
            "--limit=1000",
            perfkit=True,
        )
    )
    lines = list(map(json.loads, counts.read_text().splitlines()))
    return Visit(site, without, within, counted, lines, text, report)
