"""Several cached routes in one cache that cannot hold them all: what each is left with."""

from __future__ import annotations

from collections.abc import Mapping

from perfkit.caching.columns import Columns
from perfkit.caching.holding import holding
from perfkit.caching.replay import Replay
from perfkit.caching.saving import Saving, Setting


def ratios_together(
    routes: Mapping[str, tuple[Columns, Saving]], setting: Setting
) -> dict[str, float]:
    """Return each route's hit ratio when all are cached together; empty where there is room for all.

    Args:
        routes: label -> its events, and how it is to be cached.
        setting: the cache.
    """
    backend = setting.backend
    limit = backend.max_entries
    if limit is None or sum(run.peak_entries for _, run in routes.values()) <= limit:
        return {}
    lanes = []
    for columns, run in routes.values():
        replay = Replay(
            columns, run.policy, shared=backend.is_shared, one_by_one=setting.one_by_one
        )
        lanes.append((replay, float((run.chosen or run.best).timeout_s)))
    held = holding(lanes, backend)
    if not held.is_full:
        return {}
    return {label: outcome.hit_ratio for label, outcome in zip(routes, held.outcomes, strict=True)}
