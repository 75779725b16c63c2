"""Captures made by hand: plain ones, large ones, and ones in which every text of the site is hostile."""

from __future__ import annotations

import random
from typing import Any

from perfkit.profiling.capture import (
    CPROFILE,
    FRAMEWORK,
    PACKAGE,
    PAGE,
    SAMPLER,
    SITE,
    WAITING,
    CallCount,
    Caller,
    Capture,
    Frame,
    Node,
    Profile,
    Span,
    StackSample,
)

NOW = 1_795_262_400.0

#: What ends a script, an attribute, a comment or a line, hides text, or is no character at all.
HOSTILE = (
    "</script><script>hacked=1</script><img src=x onerror=hacked=1>\"'`--><!--{{ 7|add:7 }}"
    "{% now 'Y' %}&lt;\u2028\u2029\u202e\x00\x1b[31m\udce9\n\r\t;${hacked=1}"
)

#: As a store on either database holds a hostile text.
PRINTABLE = HOSTILE.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")

# What a request of the shop runs through: (file, line, function, owner), and the callers' lines.
_HANDLER = ("django/core/handlers/base.py", 175, "BaseHandler._get_response", FRAMEWORK)
_SESSION = (
    "django/contrib/sessions/middleware.py",
    24,
    "SessionMiddleware.process_request",
    FRAMEWORK,
)
_VIEW = ("shop/pathologies.py", 30, "suppliers", SITE)
_ITER = ("django/db/models/query.py", 380, "QuerySet.__iter__", FRAMEWORK)
_EXECUTE = ("django/db/backends/utils.py", 95, "CursorWrapper._execute", FRAMEWORK)
_RELATED = (
    "django/db/models/fields/related_descriptors.py",
    226,
    "ForwardManyToOneDescriptor.__get__",
    FRAMEWORK,
)
_PRICE = ("shop/models.py", 61, "Product.price_with_tax", SITE)
_MONEY = ("moneyed/classes.py", 120, "Money.__add__", PACKAGE)
_RENDER = ("django/shortcuts.py", 17, "render", FRAMEWORK)
_TEMPLATE = ("shop/templates/shop/table.html", 0, "template", SITE)
_FILTER = ("shop/templatetags/prices.py", 8, "as_price", SITE)
_WAITING = ("", 0, WAITING, FRAMEWORK)

#: (stack of (frame, line), share of the time); the order is that of time.
_STORY = (
    (((_HANDLER, 180), (_SESSION, 26)), 2),
    (((_HANDLER, 197), (_VIEW, 33), (_ITER, 384), (_EXECUTE, 105)), 6),
    (((_HANDLER, 197), (_VIEW, 34), (_RELATED, 240), (_ITER, 384), (_EXECUTE, 105)), 38),
    (((_HANDLER, 197), (_VIEW, 35), (_PRICE, 62)), 14),
    (((_HANDLER, 197), (_VIEW, 35), (_PRICE, 63), (_MONEY, 124)), 9),
    (((_HANDLER, 197), (_VIEW, 37), (_RENDER, 24), (_TEMPLATE, 12)), 8),
    (((_HANDLER, 197), (_VIEW, 37), (_RENDER, 24), (_TEMPLATE, 14), (_FILTER, 9)), 12),
    (((_HANDLER, 197), (_VIEW, 37), (_RENDER, 24), (_TEMPLATE, 14), (_FILTER, 10), (_WAITING, 0)), 3),
)  # fmt: skip

_CODE = {
    30: "def suppliers(request):",
    31: '    """Read each product\'s supplier in a loop."""',
    32: "    rows = []",
    33: "    for product in Product.objects.all()[:20]:",
    34: "        supplier = product.supplier",
    35: "        rows.append((product.name, supplier.name, product.price_with_tax()))",
    36: "",
    37: '    return render(request, "shop/table.html", {"rows": rows})',
}


class Making:
    """A profile in the making: frames and nodes once each, samples one after the other."""

    def __init__(self) -> None:
        self.frames: dict[Frame, int] = {}
        self.nodes: dict[Node, int] = {}
        self.samples: list[StackSample] = []

    def node(self, stack: Any) -> int:
        """Return the innermost node of a stack of ((file, line, function, owner), line)."""
        at = -1
        for frame, line in stack:
            index = self.frames.setdefault(Frame(*frame), len(self.frames))
            at = self.nodes.setdefault(Node(at, index, line), len(self.nodes))
        return at

    def profile(self, **fields: Any) -> Profile:
        """Return what was made."""
        return Profile(tuple(self.frames), tuple(self.nodes), tuple(self.samples), **fields)


def profile(text: str = "", *, step_ms: float = 1.0, slower: float = 1.0, seed: int = 1) -> Profile:
    """Make what a sampler sees of one request; ``slower`` stretches the lazy relation."""
    making, choice, at_ms = Making(), random.Random(seed), 1.5
    for stack, share in _STORY:
        node = making.node(
            [((f"{file}{text}", line, f"{function}{text}", owner), at) for (file, line, function, owner), at in stack]
            if text
            else stack
        )  # fmt: skip
        stretch = slower if any(frame is _RELATED for frame, _ in stack) else 1.0
        for _ in range(round(share * stretch)):
            duration_ms = step_ms * choice.uniform(0.8, 1.3)
            making.samples.append(StackSample(at_ms, duration_ms, node))
            at_ms += duration_ms
        at_ms += 0.4  # a gap: another request ran
    return making.profile(own_ms=0.6, notes=(f"2 samples were late{text}",))


def counts(text: str = "") -> Profile:
    """Make what cProfile counts of the same request."""
    frames = tuple(
        Frame(f"{file}{text}" if file else "", line, f"{function}{text}", owner)
        for file, line, function, owner in (_VIEW, _RELATED, _EXECUTE, _PRICE, ("", 0, "<built-in method len>", FRAMEWORK))
    )  # fmt: skip
    calls = (
        CallCount(0, 1, 1, 3.0, 92.0, ()),
        CallCount(1, 20, 20, 4.0, 48.0, (Caller(0, 20, 20, 4.0, 48.0),)),
        CallCount(2, 21, 21, 44.0, 45.0, (Caller(1, 20, 20, 43.0, 44.0), Caller(0, 1, 1, 1.0, 1.0))),
        CallCount(3, 40, 20, 22.0, 23.0, (Caller(0, 20, 20, 12.0, 23.0), Caller(3, 20, 0, 10.0, 10.0))),
        CallCount(4, 60, 60, 0.5, 0.5, (Caller(3, 60, 60, 0.5, 0.5),)),
    )  # fmt: skip
    return Profile(frames=frames, calls=calls, notes=(f"Other requests may be in it{text}",))


def spans(text: str = "") -> tuple[Span, ...]:
    """Make the statements of the loop, and a cache call."""
    site = f"shop/pathologies.py:34 in suppliers{text}"
    lazily = f'SELECT "shop_supplier"."id", "shop_supplier"."name" FROM "shop_supplier" WHERE "id" = ?{text}'
    return (
        Span("db", 4.0, 5.0, f'SELECT … FROM "shop_product" LIMIT ?{text}', f"shop/pathologies.py:33 in suppliers{text}"),
        *(Span("db", 10.0 + each * 1.9, 1.4, lazily, site) for each in range(20)),
        Span("cache", 75.0, 0.6, f"default get: 1 found, 0 not{text}", f"shop/templatetags/prices.py:9 in as_price{text}"),
    )  # fmt: skip


def record(text: str = "") -> dict[str, Any]:
    """Make a request's numbers with one finding, as ``RequestRecord.to_dict()`` has them."""
    finding = {
        "kind": "n_plus_one", "severity": "warning", "count": 20, "saved": 19, "cost_ms": 36.1,
        "message": f"one statement a row{text}; read product.supplier once{text}",
        "fingerprint": "f" * 12, "model": f"shop.Product{text}", "path": "supplier",
        "fix": f'.select_related("supplier{text}")',
        "access": {"file": f"shop/pathologies.py{text}", "line": 34, "function": f"suppliers{text}"},
        "origin": {"file": f"shop/pathologies.py{text}", "line": 33, "function": f"suppliers{text}"},
        "shape": f'SELECT … FROM "shop_supplier" WHERE "id" = ?{text}', "alias": f"default{text}",
    }  # fmt: skip
    return {
        "route": f"/products/suppliers/{text}", "method": "GET", "status": 200, "duration_ms": 96.0,
        "ttfb_ms": 95.0, "db_ms": 33.0, "cache_ms": 0.6, "queue_ms": 2.0, "cpu_ms": 61.0,
        "response_bytes": 5_400, "statements": 21, "aborted": False, "findings": [finding],
    }  # fmt: skip


def capture(text: str = "", **fields: Any) -> Capture:
    """Make a capture of a page; ``text`` is in every text that a site or its visitors write."""
    engine = fields.get("engine", SAMPLER)
    lines = {str(line): f"{code}{text}" for line, code in _CODE.items()}
    values: dict[str, Any] = {
        "id": "made-capture-1",
        "engine": engine,
        "reason": PAGE,
        "owner": "1",
        "name": f"/products/suppliers/{text}",
        "method": "GET",
        "status": 200,
        "path": f"/products/suppliers/{text}",
        "started_at": NOW,
        "duration_ms": 98.5,
        "profile": counts(text) if engine == CPROFILE else profile(text),
        "spans": spans(text),
        "record": record(text),
        "shapes": tuple(
            (f"{shape}{text}", runs, ms)
            for shape, runs, ms in (
                ('SELECT … FROM "shop_supplier" WHERE "id" = ?', 20, 28.0),
                ('SELECT … FROM "shop_product" LIMIT ?', 1, 5.0),
            )
        ),
        "source": {f"shop/pathologies.py{text}": lines},
    }
    return Capture(**{**values, **fields})


def endless(nodes: int = 20_000, samples: int = 30_000) -> Profile:
    """Make a profile as large as an engine would ever hand over, and deeper than a page is wide."""
    choice = random.Random(2)
    frames = tuple(
        Frame(f"shop/part_{at % 40}.py", at, f"Part{at % 97}.step_{at}", (SITE, PACKAGE, FRAMEWORK)[at % 3])
        for at in range(2_000)
    )  # fmt: skip
    tree = [Node(-1, 0, 1)]
    tree += [
        Node(at - 1 if at < 400 else choice.randrange(max(at - 3_000, 0), at), choice.randrange(2_000), at % 50)
        for at in range(1, nodes)
    ]  # fmt: skip
    seen = tuple(StackSample(at * 1.0, 1.0, choice.randrange(nodes)) for at in range(samples))
    return Profile(frames=frames, nodes=tuple(tree), samples=seen)
