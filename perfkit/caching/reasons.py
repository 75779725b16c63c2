"""Why a route may or may not be cached: each reason's slug and its sentence, in one table."""

from __future__ import annotations

from typing import Final

REASONS: Final[dict[str, str]] = {
    # What speaks against it.
    "unsafe_method": "it is asked by POST and the like only, which no cache answers",
    "streaming": "it streams its answer, which Django never stores: a CDN or the web server may",
    "redirect": "it redirects, and Django stores answers with status 200 only",
    "not_found": "it is answered by 404, which Django never stores",
    "errors": "it is answered by server errors",
    "forbidden_by_view": "the view itself forbids storing: private, no-cache or no-store",
    "writes_on_get": "it writes to the database on GET: a hit would leave that out",
    "session_written": "it changes the session: a hit would leave that out",
    "messages_shown": "it shows messages: one visitor's would be shown to all",
    "sets_cookie": "it sets a cookie, which Django would store and give to everybody",
    "csrf_token": "it makes a CSRF token: all would get one token, and their forms be refused",
    "nonce": "only tokens or nonces differ: move them out of the page, then measure again",
    "permission_dependent": "some may see it and others not: a cache outside the check would tell all",
    "check_each": "who may see it may hang on the address too: cache below the checks, not around them",
    "login_required": "everybody who is logged in gets the same, and nobody else gets it",
    "staff_only": "it is for staff only",
    "one_time_urls": "each address is asked for by one visitor only, as with tokens in links",
    "personalized": "different visitors get different answers",
    "differs_each_time": "one visitor gets another answer each time",
    "first_visitors_page": "something keeps what its first visitor got, and others get that: look who it names",
    "changes_fast": "it changes so often that every timeout would serve too much that is out of date",
    # What it hangs on.
    "varies_by_attribute": "answers hang on one attribute, and are the same within its values",
    "missing_vary": "answers hang on a header that Vary does not name: caches on the way mix them up",
    "anonymous_same": "visitors who are not logged in all get the same",
    "repeats_per_visitor": "each visitor asks for the same again",
    "shared_parts": "parts of it are the same for all",
    # What speaks for it.
    "same_for_all": "everybody gets the same",
    "session_never_read": "the session is never looked into",
    "tracking_parameters": "addresses differ in parameters that make no difference: leave them out of the key",
    "parameter_order": "addresses differ in the order of their parameters only",
    "query_repeats": "one SELECT with the same parameters takes most of its time",
    "revalidates": "clients ask again for what they have: answer 304",
    "session_in_database": "each request reads its session from the database",
    "already_cached": "Django caches it already",
    "shorten_timeout": "it changes more often than its timeout allows for",
    "lengthen_timeout": "it changes so seldom that a longer timeout would do",
    "remove_cache": "its cache answers so few requests that it is not worth its cost",
    # How much.
    "low_hit_ratio": "few requests would find an entry",
    "small_saving": "it would save less than a second an hour",
    "slow_and_rare": "it is slow and seldom asked for: compute it in the background instead",
    "few_requests": "too few requests were seen",
    "few_comparisons": "too few answers to different visitors could be compared",
    "few_visitors": "too few different visitors were seen",
    "bodies_not_read": "some answers were streamed or too long, so that they could not be compared",
    "anonymous_not_seen": "nobody who is not logged in got it, and the view looks who asks",
    "members_only_addresses": "some addresses were got by members only, and the view looks who asks",
    "staff_not_seen": "staff seldom or never got it, and the view looks who asks",
    "members_not_seen": "nobody who is logged in was seen, and the view looks who asks",
    # What to mind.
    "dog_pile": "many ask while an answer is being made, and Django lets them all in",
    "item_too_large": "its answers are larger than memcached takes",
    "cache_too_small": "the cache's MAX_ENTRIES is too small for its pages",
    "cache_per_process": "each worker has a cache of its own, as LocMemCache is",
    "cache_is_dummy": "the configured cache stores nothing",
    "public": "it may be kept by browsers and a CDN too",
}
