"""What time it is, for folding and deleting: one host's wrong clock must not cost the others' data."""

from __future__ import annotations

from time import time

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from perfkit.store.schema import DAY, HOUR, MINUTE, meta, put


def now_of(connection: BaseDatabaseWrapper) -> float:
    """Return Unix seconds: by the server's clock, where there is one, as all workers share that."""
    if connection.vendor == "sqlite":
        return time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM now())")
        return float(cursor.fetchone()[0])


def is_believable(connection: BaseDatabaseWrapper, cursor: CursorWrapper, now: float) -> bool:
    """Tell whether to fold and delete by this clock.

    One that leaps by more than a day since the last folding is believed when it has held for an
    hour: a site may have slept for a month, but a machine that boots in 1970 or 2100 is set right
    within minutes, and until then nothing is folded and nothing deleted.
    """
    known = meta(connection)
    last, leapt = known.get("clock", 0), known.get("leapt", 0)
    second = int(now)
    if not last or abs(second - last) <= DAY or (leapt and HOUR <= second - leapt <= DAY):
        put(cursor, "clock", second)
        if leapt:
            put(cursor, "leapt", 0)
        return True
    if not leapt or not 0 <= second - leapt < HOUR:
        put(cursor, "leapt", second)
    return False


def bring_back(cursor: CursorWrapper, now: float) -> None:
    """Move what a clock that has been set since put more than a day ahead: it has happened by now.

    There it would stand in every report, never be folded, and never become too old.
    """
    ahead = int(now) + DAY
    minute = int(now) // MINUTE * MINUTE
    hour = int(now) // HOUR * HOUR
    cursor.execute("UPDATE perfkit_window SET bucket = %s WHERE bucket > %s", [minute, ahead])
    cursor.execute(
        "UPDATE perfkit_sample SET bucket = %s, at = %s WHERE bucket > %s", [hour, now, ahead]
    )
    cursor.execute("UPDATE perfkit_event SET bucket = %s WHERE bucket > %s", [minute, ahead])
    # A worker writes it again, under its time.
    cursor.execute("DELETE FROM perfkit_finding WHERE seen > %s", [ahead])
