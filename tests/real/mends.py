"""The worst findings of each site mended in its source as it is imported, and pages measured before and after.

``python tests/real/mends.py`` prints the table; it needs the sites that `make real` built. Nothing installed is changed: a
loader hands Python the edited text. Inside a site's environment the same file is run as ``mends.py NAME PAGE OUT``.
"""

import json
import sys
import time
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

ROUNDS = 15


@dataclass(frozen=True, slots=True)
class Mend:
    """One edit to a package's source, and the page that it helps.

    Attributes:
        name: what the table calls it.
        site: the site's name.
        page: the address measured.
        module: the module edited.
        old: text that stands in it once.
        new: text in its place.
        by: ``"fix"`` when it is the code that perfkit gives, ``"words"`` when it follows the sentence.
    """

    name: str
    site: str
    page: str
    module: str
    old: str
    new: str
    by: str


NAMES = """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        names = dict(Category.objects.values_list("path", "name"))
        step = Category.steplen
        self.fields["category"].label_from_instance = lambda category: " > ".join(
            names[category.path[:end]] for end in range(step, len(category.path) + 1, step)
        )
"""

MENDS = (
    Mend(
        "offers", "oscar", "/offers/", "oscar.apps.offer.abstract_models",
        "return queryset.filter(is_discountable=True).browsable()",
        "return queryset.filter(is_discountable=True).browsable()"
        '.select_related("product_class").prefetch_related("images", "stockrecords")',
        "fix",
    ),
    Mend(
        "product-form", "oscar", "/dashboard/catalogue/products/16/", "oscar.apps.dashboard.catalogue.forms",
        'model = ProductCategory\n        fields = ("category",)',
        f'model = ProductCategory\n        fields = ("category",){NAMES}',
        "words",
    ),
    Mend(
        "range", "oscar", "/catalogue/ranges/range-0/", "oscar.apps.offer.views",
        'return products.order_by("rangeproduct__display_order")',
        'return products.order_by("rangeproduct__display_order")'
        '.select_related("product_class").prefetch_related("images", "stockrecords")',
        "fix",
    ),
    Mend(
        "recommendations", "oscar", "/catalogue/product-11_16/", "oscar.apps.catalogue.abstract_models",
        'self.primary_recommendations.select_related("recommendation").all()',
        'self.primary_recommendations.select_related("recommendation").all()'
        '.select_related("recommendation__product_class")'
        '.prefetch_related("recommendation__images", "recommendation__stockrecords")',
        "fix",
    ),
    Mend(
        "attribute-summary", "oscar", "/dashboard/catalogue/products/16/", "oscar.apps.catalogue.abstract_models",
        "attributes = self.get_attribute_values()",
        'attributes = self.get_attribute_values().select_related("attribute")',
        "fix",
    ),
    Mend(
        "offer-list", "oscar", "/offers/", "oscar.apps.offer.views",
        "return ConditionalOffer.active.filter(offer_type=ConditionalOffer.SITE)",
        "return ConditionalOffer.active.filter(offer_type=ConditionalOffer.SITE)"
        '.select_related("condition__range")'
        '.prefetch_related("condition__range__classes", "condition__range__included_categories")',
        "fix",
    ),
    Mend(
        "locked-pages", "wagtail", "/admin/reports/locked/", "wagtail.admin.views.reports.locked_pages",
        ".specific(defer=True)",
        ".specific(defer=True).annotate_site_root_state().annotate_approved_schedule()"
        '.prefetch_workflow_states().prefetch_related("locked_by")',
        "words",
    ),
    Mend(
        "workflow-tasks", "wagtail", "/admin/reports/workflow_tasks/?export=csv", "wagtail.admin.views.reports.workflows",
        "TaskState.objects.filter(editable_pages | editable_objects)",
        "TaskState.objects.filter(editable_pages | editable_objects)"
        '.select_related("workflow_state__content_type", "workflow_state__requested_by")',
        "fix",
    ),
    Mend(
        "workflow-report", "wagtail", "/admin/reports/workflow/?export=csv", "wagtail.admin.views.reports.workflows",
        "WorkflowState.objects.filter(editable_pages | editable_objects)",
        'WorkflowState.objects.filter(editable_pages | editable_objects).select_related("content_type")',
        "fix",
    ),
    Mend(
        "page-editor", "wagtail", "/admin/pages/55/edit/", "wagtail.models.workflows",
        """        return (
            self.workflow_states.active()
            .select_related("current_task_state__task")
            .first()
        )""",
        """        if "_found_state" not in self.__dict__:
            self._found_state = (
                self.workflow_states.active()
                .select_related("current_task_state__task")
                .first()
            )
        return self._found_state""",
        "words",
    ),
)  # fmt: skip


class Mended(SourceFileLoader):
    """Compiles a module from its edited text, past any bytecode that lies about."""

    mend: Mend

    def get_code(self, fullname: str) -> CodeType:
        """Return the edited module's code; ValueError if the text to replace does not stand there once."""
        source = Path(self.path).read_text()
        if source.count(self.mend.old) != 1:
            raise ValueError(
                f"{self.path} holds {self.mend.old!r} {source.count(self.mend.old)} times"
            )
        return compile(source.replace(self.mend.old, self.mend.new), self.path, "exec")


class Mender(MetaPathFinder):
    """Gives one module a `Mended` loader."""

    def __init__(self, mend: Mend) -> None:
        """Mend the module that ``mend`` names."""
        self.mend = mend
        self.done = False

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find the one module, and leave all others to Python."""
        if fullname != self.mend.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec is not None
        loader = Mended(fullname, str(spec.origin))
        loader.mend = self.mend
        spec.loader = loader
        assert isinstance(spec.loader, Loader)
        self.done = True
        return spec


def measure(mend: Mend, *, mended: bool) -> dict[str, Any]:
    """Visit the page in this process and return its statements, its least CPU milliseconds and its body."""
    mender = Mender(mend)
    if mended:
        sys.meta_path.insert(0, mender)
    import django

    django.setup(set_prefix=False)
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client()
    staff = get_user_model().objects.get(username="staff")
    client.force_login(staff, "django.contrib.auth.backends.ModelBackend")

    def ask() -> bytes:
        response = client.get(mend.page, headers={"host": "127.0.0.1"})
        assert response.status_code == 200, response.status_code
        return b"".join(response) if response.streaming else response.content

    body = ask()  # caches are filled
    assert mender.done is mended
    times = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        ask()
        times.append((time.process_time() - begun) * 1000)
    with CaptureQueriesContext(connection) as captured:
        ask()
    own = [
        query
        for query in captured
        if not query["sql"].startswith(("BEGIN", "SAVEPOINT", "RELEASE"))
    ]
    return {"statements": len(own), "ms": min(times), "body": body.decode(errors="replace")}


@dataclass(frozen=True, slots=True)
class Effect:
    """What a mend did to its page: statements and least CPU milliseconds before and after, and whether the page is the same."""

    statements: tuple[int, int]
    ms: tuple[float, float]
    same: bool


def compare(mend: Mend) -> Effect:
    """Measure a page with and without the mend, each in a process of its own."""
    from masks import BODY
    from repeats import inside
    from sites import SITES

    site = next(site for site in SITES if site.name == mend.site)
    found = []
    for mended in ("0", "1"):
        result = json.loads(inside(site, "mends.py", mend.name, mended).splitlines()[-1])
        body = result["body"].encode()
        for mask in BODY:
            body = mask.pattern.sub(b"*", body)
        found.append((result["statements"], result["ms"], body))
    (before, slow, one), (after, fast, other) = found
    return Effect((before, after), (slow, fast), one == other)


def row(mend: Mend, effect: Effect) -> str:
    """Return a line of the table."""
    before, after = effect.statements
    slow, fast = effect.ms
    same = "the same" if effect.same else "DIFFERENT"
    return f"| {mend.name} | `{mend.page}` | {mend.by} | {before} -> {after} | {slow:.0f} -> {fast:.0f} CPU ms | {same} |"


if __name__ == "__main__":
    if len(sys.argv) == 3:
        chosen = next(mend for mend in MENDS if mend.name == sys.argv[1])
        print(json.dumps(measure(chosen, mended=sys.argv[2] == "1")))
    else:
        for each in MENDS:
            print(row(each, compare(each)), flush=True)
