"""Crawl the real sites, print what perfkit reports on each, then check it: `make real`.

The first run makes the environments and seeds the sites (some minutes); later ones take about a minute.
"""

import sys
from pathlib import Path

import pytest
from sites import SITES
from visit import Visit, visit

HERE = Path(__file__).resolve().parent


def show(found: Visit) -> None:
    """Print a site's report and what its crawl came to."""
    counts = found.independent().values()
    statements = sum(count.statements for count in counts)
    transactions = sum(count.transactions for count in counts)
    print(
        f"\n===== {found.site.name}: {len(found.within)} requests, {len(counts)} routes, {statements} statements, "
        f"{transactions} openings of a transaction =====\n"
    )
    print(found.text, flush=True)


if __name__ == "__main__":
    for site in SITES:
        show(visit(site))
    # In this process, so that the tests find the crawls made.
    sys.exit(pytest.main(["-c", str(HERE / "pytest.ini"), "-v", str(HERE)]))
