"""Fill a store with a day of the example shop: the demo's requests, really answered, under a clock that runs fast.

`python scripts/demo_day.py FOLDER` leaves FOLDER/perfkit.sqlite3 and the shop's own database. Only the clock that dates
requests is replaced: every duration, statement and finding is measured. The screenshots in docs/ are made of it.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from math import cos, pi
from pathlib import Path
from types import SimpleNamespace
from typing import Any

EXAMPLE = Path(__file__).resolve().parent.parent / "example"
DAY_S = 86_400
FLUSH_S = 0.2
#: Hours before now, and the name, of each deploy.
DEPLOYS = ((17.2, "v1.4"), (5.4, "v1.5"))


def main(folder: Path, requests: int = 4_000) -> int:
    """Seed the shop, answer the requests, write the store."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "shop_site.settings",
        "EXAMPLE_DB": str(folder / "shop.sqlite3"),
    }
    sys.path.insert(0, str(EXAMPLE))
    import django
    from django.conf import settings

    store = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "perfkit.sqlite3")}
    settings.PERFKIT = {"STORE": store, "FLUSH_INTERVAL_SECONDS": FLUSH_S}
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("seed", if_empty=True)
    _answer(requests)

    from perfkit.pipeline import flusher
    from perfkit.store.marks import add_mark

    flusher().stop()
    for hours, name in DEPLOYS:
        add_mark(store, name, time.time() - hours * 3_600)
    print(f"{requests:,} requests of a day are in {store['NAME']}")
    return 0


def _answer(requests: int) -> None:
    """Answer the planned visits, each begun at its time of the day."""
    from django.test import Client
    from shop.models import Product
    from visits import plan_visits

    import perfkit.observation
    from perfkit.pipeline import flusher

    clock = [0.0]
    vars(perfkit.observation)["time"] = SimpleNamespace(time=lambda: clock[0])
    choice = random.Random(1)
    products = list(Product.objects.values_list("pk", flat=True))
    visits = plan_visits(requests, 1, products)
    for visit, begun in zip(visits, _begins(len(visits), choice), strict=True):
        client = Client(raise_request_exception=False, headers={"host": "localhost"})
        clock[0] = begun
        for number, step in enumerate(visit):
            if number % 30 == 29:
                # A worker that cannot write holds an hour at most: it gets the time to write each half of one.
                flusher().drain()
                time.sleep(2 * FLUSH_S)
            clock[0] = min(clock[0] + choice.expovariate(1 / 60), time.time() - 60)
            # What a proxy in front adds; the longer the busier the site is.
            waited_s = choice.expovariate(1 / (0.002 + 0.006 * _busy(clock[0])))
            headers: dict[str, Any] = {"x-request-start": f"t={clock[0] - waited_s:.6f}"}
            if step.form is None:
                response = client.get(step.path, headers=headers)
            else:
                response = client.post(step.path, step.form, headers=headers)
            for _ in response if response.streaming and not step.aborted else ():
                pass
            response.close()


def _begins(visits: int, choice: random.Random) -> Iterator[float]:
    """Yield when each visit begins: a day back from now, most of them in the afternoon."""
    now = time.time()
    yield now - DAY_S + 600
    drawn = 1
    while drawn < visits:
        at = now - choice.random() * (DAY_S - 3_000) - 2_400
        if choice.random() < _busy(at):
            drawn += 1
            yield at


def _busy(at: float) -> float:
    """Return how busy the shop is at a time, 0.1 to 1: least at three in the night."""
    hour = time.gmtime(at).tm_hour + time.gmtime(at).tm_min / 60
    return 0.55 - 0.45 * cos((hour - 3) / 24 * 2 * pi)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: demo_day.py FOLDER")
    sys.exit(main(Path(sys.argv[1])))
