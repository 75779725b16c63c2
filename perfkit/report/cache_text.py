"""The cache advice as plain lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import ceil

from perfkit.caching.advice import CacheAdvice
from perfkit.report.wording import counted, percent, size

#: Verdict -> what to do, in words.
WORDS = {
    "cache_page": "cache it",
    "cache_page_vary": "cache it, once for each variant",
    "anonymous_only": "cache it for visitors who are not logged in",
    "fragment": "cache parts of its template",
    "conditional": "answer 304 where nothing has changed",
    "low_level": "cache what it is made of",
    "cached_sessions": "keep sessions in the cache too",
    "cdn": "let a CDN keep it",
    "do_not_cache": "do not cache it",
    "not_worth_it": "caching is not worth it",
    "not_enough_evidence": "not enough seen to say",
}

#: Verdicts that leave nothing to do; a report names the routes only.
QUIET = ("do_not_cache", "not_worth_it", "not_enough_evidence")


#: Hours from which on figures for an hour are as good as seen.
AN_HOUR = 0.9


def duration(seconds: int) -> str:
    """Write a timeout as people do: 300 is 5 min."""
    for unit, length in (("h", 3_600), ("min", 60)):
        if seconds >= length and not seconds % length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def headline(advice: CacheAdvice) -> str:
    """Return one line: the route, what to do, for how long."""
    timeout = f" for {duration(advice.timeout)}" if advice.timeout else ""
    return f"{advice.method} {advice.route}: {WORDS[advice.verdict]}{timeout}"


def lines(advice: CacheAdvice, *, with_code: bool = True) -> Iterator[str]:
    """Yield what there is to say of a route: figures, reasons, evidence, code."""
    if (told := advice.predicted) is not None:
        low, high = told.hit_ratio_interval
        yield (
            f"{percent(told.hit_ratio)} of the requests would be hits ({percent(low)} to "
            f"{percent(high)}); saves {told.saved_seconds_per_hour:,.1f} s of work an hour; "
            f"{percent(told.stale_share, digits=1)} of the hits out of date "
            f"(at most {percent(told.stale_share_upper, digits=1)}); {size(told.memory_bytes)}"
        )
    for sentence in advice.sentences():
        yield f"- {sentence}"
    yield from evidence(advice)
    if with_code and advice.code:
        yield ""
        yield from (f"    {line}" if line else "" for line in advice.code.splitlines())


def evidence(advice: CacheAdvice) -> Iterator[str]:
    """Yield what a verdict stands on."""
    seen = advice.evidence
    yield (
        f"seen: {counted(seen['requests'], 'request')} in {_span(seen['hours'])}, "
        f"{seen['addresses']:,} address{'' if seen['addresses'] == 1 else 'es'}, "
        f"{counted(seen['visitors'], 'visitor')}, {seen['mean_ms']:,.1f} ms each"
    )
    if advice.predicted is not None and seen["hours"] < AN_HOUR:
        yield "less than an hour was seen: what is told for an hour is stretched from that"
    if not seen["comparisons"]:
        yield "compared: no answers to different visitors"
    elif seen["mismatches"]:
        yield (
            f"compared: {seen['comparisons']:,} answers to different visitors, "
            f"{seen['mismatches']:,} differed"
        )
    else:
        yield (
            f"compared: {seen['comparisons']:,} answers to different visitors, none differed: "
            f"with 95 % certainty at most {_upper(seen['mismatch_upper'])} of all do"
        )
    if seen["hit_ratio_now"] is not None:
        yield f"now: {percent(seen['hit_ratio_now'])} answered by Django's cache"
    for what, number in seen["writes_per_hour"].items():
        yield f"a hit would leave out {number:,.1f} {what} an hour"
    if seen["attribute"] is not None:
        also = "".join(f" or {name}" for name in seen.get("attributes_also", ()))
        yield f"hangs on {seen['attribute']}{also}, which has {seen['variants']} values"
        if also:
            yield "they told the same visitors apart, so that the key is made of all of them"
    if seen["parameters_left_out"]:
        yield f"parameters left out: {', '.join(seen['parameters_left_out'])}"


def _span(hours: float) -> str:
    return f"{hours:g} h" if hours >= 1 else f"{max(round(hours * 60), 1)} min"


def _upper(share: float) -> str:
    """Write an upper end, rounded up: what is not seen is never told as nothing."""
    return percent(max(ceil(share * 1_000), 1) / 1_000, digits=1)


def section(advice: Iterable[CacheAdvice], limit: int) -> Iterator[str]:
    """Yield the section of a report: what to cache in full, the rest in a line each."""
    every = list(advice)
    worth = [each for each in every if each.verdict not in QUIET]
    for each in worth[:limit]:
        yield headline(each)
        yield from (f"  {line}" if line else "" for line in lines(each))
        yield ""
    for each in [each for each in every if each.verdict in QUIET][:limit]:
        sentences = each.sentences()
        yield f"{headline(each)}{f': {sentences[0]}' if sentences else ''}"
