"""Whether a cache in front of Django may keep a page: it sees what the middlewares make of it, and no language."""

from __future__ import annotations

from typing import Final

from perfkit.caching.decision import MOST, Case, worth
from perfkit.caching.event import ANONYMOUS
from perfkit.caching.pairs import compare
from perfkit.caching.policy import CDN, Policy
from perfkit.caching.proof import is_proven
from perfkit.caching.saving import Saving

#: What a CDN looks after by itself.
_NO_MATTER: Final = frozenset(("accept-encoding",))


def for_cdn(case: Case) -> Saving | None:
    """Return what a CDN would save; None where it may not keep the page, or it is not worth it.

    Nothing may look who asks, and nothing between the view and the client may make it anybody's own. Its
    key is the address alone: the same has to come for every language.
    """
    facts = case.facts
    columns, good = facts.columns, facts.good
    if facts.looks or facts.audiences[ANONYMOUS] < MOST * facts.audiences.total():
        return None
    for at in good:
        own = columns.outer_sets_cookie[at] or columns.outer_no_store[at]
        if own or not columns.same_body[at]:
            return None
        if not _NO_MATTER.issuperset(columns.varies[columns.outer_varies[at]]):
            return None
    if not is_proven(compare(columns, good, dict(enumerate(columns.address)))):
        return None
    run = case.saving(Policy(CDN))
    return run if worth(case, run) is None else None
