"""The loops that the two sites hold, each found by reading their code and by a log of their statements, without perfkit.

`SILENT` lists what repeats and is rightly no finding of its own; `docs/real-sites.md` says it to readers.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop known from reading, named by the line that sends its statement.

    Attributes:
        route: one route it slows down, as perfkit names it.
        file: the file of the line, below site-packages.
        inside: text of a line above it, such as the function's first.
        text: text of the line itself: its number moves with the version.
        statements: how many one page runs.
        why: what the code does, and what it misses.
        kind: what perfkit calls it: a loop over rows, or one question asked again.
        model: the root model, where one finding has one.
        path: what is read of its rows; ``""`` where no relation is.
    """

    route: str
    file: str
    inside: str
    text: str
    statements: int
    why: str
    kind: str = "n_plus_one"
    model: str = ""
    path: str | None = None

    def line(self, packages: Path) -> int:
        """Return the line's number in the installed source; ValueError if it is no longer there."""
        seen = False
        for number, text in enumerate((packages / self.file).read_text().splitlines(), 1):
            seen = seen or self.inside in text
            if seen and self.text in text:
                return number
        raise ValueError(f"{self.file} holds no {self.text!r} below {self.inside!r}")


PRODUCTS = "oscar/apps/catalogue/abstract_models.py"
OFFERS = "oscar/apps/offer/abstract_models.py"
OSCAR_LOOPS = (
    Loop(
        route="/offers/",
        file="oscar/apps/partner/strategy.py",
        inside="class UseFirstStockRecord",
        text="product.stockrecords.all()[0]",
        statements=50,
        why="The price of each product shown reads its stock record, twice: the offer's products are not prefetched.",
        model="catalogue.Product",
        path="stockrecords",
    ),
    Loop(
        route="/offers/",
        file=PRODUCTS,
        inside="def get_product_class",
        text="return self.product_class",
        statements=30,
        why="Each product's class is loaded to choose its template.",
        model="catalogue.Product",
        path="product_class",
    ),
    Loop(
        route="/offers/",
        file=PRODUCTS,
        inside="def primary_image",
        text="return images[0]",
        statements=30,
        why="Each product's first picture.",
        model="catalogue.Product",
        path="images",
    ),
    Loop(
        route="/offers/",
        file=PRODUCTS,
        inside="def has_options",
        text="return self.options.exists()",
        statements=25,
        why="Whether each product has options: annotated on catalogue pages, forgotten here.",
    ),
    Loop(
        route="/dashboard/catalogue/products/<int:pk>/",
        file=PRODUCTS,
        inside="def get_ancestors_and_self",
        text="list(self.get_ancestors())",
        statements=45,
        why="Each choice of each category select box spells its path, which loads its ancestors.",
        path="",
    ),
    Loop(
        route="/dashboard/catalogue/products/<int:pk>/",
        file=PRODUCTS,
        inside="Gets a string representation of both",
        text="self.attribute.name",
        statements=16,
        why="Each attribute value of each variant loads its attribute for the name.",
        model="catalogue.ProductAttributeValue",
        path="attribute",
    ),
    Loop(
        route="/dashboard/",
        file="oscar/apps/dashboard/views.py",
        inside="def get_hourly_report",
        text="hourly_orders.aggregate(",
        statements=12,
        why="The report of the last 24 hours asks for a sum twelve times instead of grouping.",
        model="order.Order",
        path="",
    ),
    Loop(
        route="/dashboard/offers/",
        file="oscar/apps/offer/benefits.py",
        inside="class PercentageDiscountBenefit",
        text="self.range.name",
        statements=6,
        why="Each offer listed describes its benefit, which loads the range: select_related stops one step short.",
        path="range",
    ),
    Loop(
        route="/dashboard/ranges/",
        file=OFFERS,
        inside="def num_products",
        text="self.all_products().count()",
        statements=6,
        why="Each range listed counts its products, after three statements more to build that query.",
        model="catalogue.Product",
        path="",
    ),
    Loop(
        route="/dashboard/ranges/<int:pk>/products/",
        file=OFFERS,
        inside="def is_reorderable",
        text="self.classes.exists()",
        statements=18,
        why="One question about the range is asked anew for each product in the table.",
        kind="duplicate_query",
        model="catalogue.ProductClass",
    ),
)

WORKFLOWS = "wagtail/models/workflows.py"
WAGTAIL_LOOPS = (
    Loop(
        route="/admin/reports/locked/",
        file="wagtail/models/pages.py",
        inside="def is_site_root",
        text=").exists()",
        statements=22,
        why="Each locked page asks whether it is a site's root: listings annotate that, this report does not.",
    ),
    Loop(
        route="/admin/reports/locked/",
        file="wagtail/models/draft_state.py",
        inside="def scheduled_revision",
        text=".first()",
        statements=9,
        why="Each locked page's status looks for a scheduled revision: nine of eleven in one branch of its template.",
    ),
    Loop(
        route="/admin/reports/locked/",
        file=WORKFLOWS,
        inside="def workflow_in_progress",
        text=").exists()",
        statements=9,
        why="Each locked page's status looks for a running workflow: nine of eleven in that branch.",
    ),
    Loop(
        route="/admin/reports/locked/",
        file="wagtail/admin/templates/wagtailadmin/reports/listing/_list_unlock.html",
        inside="",
        text="{% if page.locked_by %}",
        statements=11,
        why="Each locked page loads who locked it, from the template.",
        path="locked_by",
    ),
    Loop(
        route="/admin/reports/workflow_tasks/",
        file="wagtail/coreutils.py",
        inside="def multigetattr",
        text="getattr(current, bit)",
        statements=12,
        why="The export to a spreadsheet follows a foreign key by name for each row, while the body is sent.",
        model="wagtailcore.TaskState",
        path="workflow_state__content_type",
    ),
    Loop(
        route="/admin/reports/workflow/",
        file=WORKFLOWS,
        inside="def all_tasks_with_status",
        text="tasks = list(",
        statements=12,
        why="Each workflow listed asks for its tasks.",
        model="wagtailcore.Task",
        path="",
    ),
    Loop(
        route="/admin/",
        file=WORKFLOWS,
        inside="def all_tasks_with_status",
        text="tasks = list(",
        statements=12,
        why="Each page waiting for review on the home screen asks for the tasks of its workflow.",
        model="wagtailcore.Task",
        path="",
    ),
    Loop(
        route="/admin/pages/<int:page_id>/edit/",
        file=WORKFLOWS,
        inside="def current_workflow_state",
        text=".first()",
        statements=17,
        why="The menus of the page editor ask for the page's workflow again and again.",
        kind="duplicate_query",
        model="wagtailcore.WorkflowState",
    ),
)


@dataclass(frozen=True, slots=True)
class Silent:
    """Something that runs five times or more in a request and is no finding.

    Attributes:
        route: where.
        table: a table that the statement reads.
        file: the file of the innermost line, below site-packages.
        why: why no finding of its own is right.
    """

    route: str
    table: str
    file: str
    why: str


SILENT = (
    Silent(
        route="/offers/",
        table="partner_stockrecord",
        file="oscar/apps/partner/strategy.py",
        why="The second statement of the children's queryset, its own prefetch: the loop over that queryset is the finding.",
    ),
    Silent(
        route="/admin/groups/edit/<int:pk>/",
        table="wagtailcore_groupcollectionpermission",
        file="wagtail/admin/templatetags/wagtailadmin_tags.py",
        why="The prefetch of the collections, once for each select of them: those five equal statements are the finding.",
    ),
)
