"""The texts of findings, kept apart from their counts: appended, never overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.backends.utils import CursorWrapper

from perfkit.errors import StoreError
from perfkit.store.payload import pack, printable, unpack

#: Seconds after which a finding's text is written anew: its lines may have moved.
_TEXT_AGE_S = 3_600

#: What makes a text another one, so that it is not left to wait for its age: a deploy moved its lines.
_LINES = ("access", "origin", "loop", "fix")

#: Fingerprints in one question.
_AT_ONCE = 500


class Texts:
    """What one worker knows of the texts in the store: when each was last written, by whomever."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}

    def clear(self) -> None:
        """Know nothing: the store is another one."""
        self._seen.clear()

    def append(
        self, cursor: CursorWrapper, findings: Mapping[str, tuple[dict[str, Any], float]]
    ) -> dict[str, float]:
        """Write the texts that the store does not have, or has from before a deploy or an hour ago.

        Sorted, so that workers that write the same ones wait for each other in one order and never
        in a ring. Returns what is known when the transaction is through, for ``know``.

        Args:
            cursor: of the store, in a transaction.
            findings: fingerprint -> the finding's fields and when it was seen, Unix seconds.
        """
        due = {
            fingerprint: found
            for fingerprint, found in sorted(findings.items())
            if not _is_fresh(self._seen.get(fingerprint, 0.0), found[1])
        }
        stored = self._stored(cursor, [printable(each) for each in due])
        known: dict[str, float] = {}
        rows = []
        for fingerprint, (finding, seen) in due.items():
            payload = pack(finding)
            there = stored.get(printable(fingerprint))
            if there and _is_fresh(there[0], seen) and there[1] == _lines(unpack(payload)):
                known[fingerprint] = there[0]
            else:
                known[fingerprint] = seen
                rows.append((printable(fingerprint), int(seen), payload))
        if rows:
            cursor.executemany(
                "INSERT INTO perfkit_finding (fingerprint, seen, payload) VALUES (%s, %s, %s) "
                "ON CONFLICT DO NOTHING",
                rows,
            )
        return known

    def know(self, known: Mapping[str, float]) -> None:
        """Remember what ``append`` returned: it is in the store now."""
        self._seen.update(known)

    @staticmethod
    def _stored(cursor: CursorWrapper, fingerprints: list[str]) -> dict[str, tuple[int, Any]]:
        """Return when each text was last written, and its lines."""
        stored: dict[str, tuple[int, Any]] = {}
        for start in range(0, len(fingerprints), _AT_ONCE):
            some = fingerprints[start : start + _AT_ONCE]
            cursor.execute(
                "SELECT fingerprint, seen, payload FROM perfkit_finding WHERE fingerprint IN "
                f"({', '.join(['%s'] * len(some))}) ORDER BY seen",
                some,
            )
            for fingerprint, seen, payload in cursor.fetchall():
                try:
                    stored[fingerprint] = (seen, _lines(unpack(bytes(payload))))
                except StoreError:
                    stored.pop(fingerprint, None)
        return stored


def _is_fresh(written: float, seen: float) -> bool:
    """Tell whether a text need not be written; one of the far future is a wrong clock's."""
    return abs(seen - written) <= _TEXT_AGE_S


def _lines(finding: Any) -> Any:
    return [finding.get(name) for name in _LINES] if isinstance(finding, dict) else None
