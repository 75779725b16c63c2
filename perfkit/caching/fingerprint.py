"""Keyed hashes of 8 bytes: equal in every worker with the same SECRET_KEY, and not reversible."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from perfkit.conf import secret_key

_BYTES: Final = 8

#: Texts whose hash is remembered, and letters of the longest: some megabytes at most.
_REMEMBERED: Final = 4_096
_LONGEST: Final = 512


class Fingerprint:
    """Hashes texts and bodies under one key.

    Args:
        secret: the site's SECRET_KEY, of which only this hash is used.

    Attributes:
        epoch: tells hashes of different keys apart: they must never be compared.
    """

    __slots__ = ("_key", "_known", "epoch")

    def __init__(self, secret: str | bytes) -> None:
        raw = secret.encode("utf-8", "surrogatepass") if isinstance(secret, str) else secret
        self._key = blake2b(raw, digest_size=32, person=b"perfkit-cache").digest()
        self._known: dict[str, int] = {}
        self.epoch = self.text("epoch")

    def data(self, content: bytes) -> int:
        """Hash bytes; never 0, which stands for nothing."""
        digest = blake2b(content, digest_size=_BYTES, key=self._key).digest()
        return int.from_bytes(digest, "little") or 1

    def text(self, content: str) -> int:
        """Hash a text, whatever characters it has; most were seen a moment ago."""
        known = self._known.get(content)
        if known is None:
            known = self.data(content.encode("utf-8", "surrogatepass"))
            if len(content) <= _LONGEST:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[content] = known
        return known

    def parts(self, parts: Iterable[str]) -> int:
        """Hash several texts, so that ``("ab", "c")`` differs from ``("a", "bc")``."""
        return self.text("".join(f"{len(part)}:{part}" for part in parts))


def site_hashes() -> Fingerprint:
    """Return the hashes of this site."""
    return Fingerprint(secret_key())


def key_name() -> str:
    """Return what tells the site's key of hashes from an earlier or later one."""
    return f"{site_hashes().epoch:x}"
