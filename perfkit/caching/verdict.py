"""Decides what to do with a route: the first rule that applies, with the reasons for it.

The order is that of the risk: what a cache would break comes first, then what it would mix up, then
whether it is worth it. A rule that would share an answer needs the evidence of ``proof``.
"""

from __future__ import annotations

from typing import Final

from perfkit.caching import against, sharing
from perfkit.caching.decision import VERDICTS, Case, Decision, Rule, sessions
from perfkit.caching.facts import Facts
from perfkit.caching.saving import Setting

__all__ = ["VERDICTS", "Decision", "decide"]

_RULES: Final[tuple[Rule, ...]] = (
    against.no_candidate,
    against.already_cached,
    against.staff_only,
    against.side_effects,
    against.permission,
    against.tokens,
    against.unread,
    against.kept_below,
    against.too_little,
    against.one_time,
    against.members_only,
    sharing.different_parameters,
    against.hopeless,
    sharing.same_for_all,
    sharing.by_attribute,
    sharing.for_anonymous,
    sharing.for_each,
)


def decide(facts: Facts, setting: Setting, session_cookie: str) -> Decision:
    """Return the decision of the first rule that applies."""
    case = Case(facts, setting, session_cookie)
    for rule in _RULES:
        decision = rule(case)
        if decision is not None:
            if decision.verdict == "not_worth_it":
                return sessions(case, decision.reasons[0]) or decision
            return decision
    return sharing.undecided(case)
