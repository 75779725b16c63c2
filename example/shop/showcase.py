"""The pages of the example: what each one shows, and the finding that perfkit must report for it.

The home page lists them, the README's table is made of them and the tests hold perfkit to them.
"""

from dataclasses import dataclass

from django.http import HttpRequest

# Rows that a page lists; an N+1 page runs one statement for each.
ROWS = 20


@dataclass(frozen=True, slots=True)
class Expected:
    """The one finding of a page; an empty text is not compared."""

    kind: str
    file: str
    function: str
    # The text of the line that runs the statements: it stands once in the file.
    code: str
    model: str = ""
    path: str = ""
    fix: str = ""
    count: int = ROWS

    def __str__(self) -> str:
        relation = f" {self.model} {self.path}" if self.model else ""
        fix = f", fix {self.fix}" if self.fix else ""
        return f"{self.kind}{relation}, {self.count} statements, at {self.file} {self.code}{fix}"


@dataclass(frozen=True, slots=True)
class Page:
    """A page that shows one thing; ``finding`` is None where perfkit must stay silent."""

    title: str
    url: str
    shows: str
    finding: Expected | None = None
    status: int = 200
    staff_only: bool = False


PAGES = (
    Page("Home", "/", "This list: no statement at all."),
    Page("Catalog", "/catalog/", "A well-made page: joins, prefetches and pages its rows."),
    Page(
        "Suppliers",
        "/products/suppliers/",
        "N+1 over a forward foreign key, in a loop of the view.",
        Expected(
            "n_plus_one",
            "shop/pathologies.py",
            "suppliers",
            "supplier = product.supplier",
            model="shop.Product",
            path="supplier",
            fix='select_related("supplier")',
        ),
    ),
    Page(
        "Reviews",
        "/products/reviews/",
        "N+1 over a reverse foreign key, in a loop of the view.",
        Expected(
            "n_plus_one",
            "shop/pathologies.py",
            "reviews",
            "list(product.reviews.all())",
            model="shop.Product",
            path="reviews",
            fix='prefetch_related("reviews")',
        ),
    ),
    Page(
        "Tags",
        "/products/tags/",
        "N+1 over a many-to-many relation, in a template.",
        Expected(
            "n_plus_one",
            "shop/templates/shop/tags.html",
            "",
            "{% for tag in product.tags.all %}",
            model="shop.Product",
            path="tags",
            fix='prefetch_related("tags")',
        ),
    ),
    Page(
        "Full names",
        "/products/names/",
        "N+1 inside a property of the model, which the view cannot see.",
        Expected(
            "n_plus_one",
            "shop/models.py",
            "full_name",
            "self.category.name",
            model="shop.Product",
            path="category",
            fix='select_related("category")',
        ),
    ),
    Page(
        "Orders in the admin",
        "/admin/shop/order/",
        "N+1 in the admin: a method of list_display reads a relation.",
        Expected(
            "n_plus_one",
            "shop/admin.py",
            "customer_email",
            "order.customer.email",
            model="shop.Order",
            path="customer",
            fix='list_select_related = ("customer",)',
        ),
        staff_only=True,
    ),
    Page(
        "Stock",
        "/stock/",
        "N+1 without the ORM: a raw cursor asks for one row at a time.",
        Expected("n_plus_one", "shop/pathologies.py", "stock", "cursor.execute(STOCK_OF_ONE,"),
    ),
    Page(
        "Offers",
        "/products/offers/",
        "Duplicates: one statement with the same parameters, three times.",
        Expected(
            "duplicate_query",
            "shop/pathologies.py",
            "_offer_shelf",
            'Category.objects.get(slug="kitchen")',
            count=3,
        ),
    ),
    Page(
        "Bought together",
        "/bought-together/",
        "A slow aggregate: one statement of well over 100 ms on the default sizes.",
        Expected(
            "slow_query", "shop/pathologies.py", "bought_together", "list(pairs[:ROWS])", count=1
        ),
    ),
    Page("Bestsellers", "/bestsellers/", "Worth caching: costly, and the same for everybody."),
    Page("For you", "/for-you/", "Must not be cached: differs for each visitor who is logged in."),
    Page("New", "/products/new/", "Cached for a minute by cache_page: a hit runs no statement."),
    Page("Live figures", "/live/", "An async view: three statements at once, then an async loop."),
    Page(
        "Export",
        "/export/order-lines.csv",
        "A streamed file: its statement runs after the view has returned.",
    ),
    Page("API", "/api/products/", "A JSON list of values from one statement."),
    Page("Broken", "/broken/", "An error: the view raises after one statement.", status=500),
)

_PAGES_BY_URL = {page.url: page for page in PAGES}


def shown_page(request: HttpRequest) -> dict[str, Page | None]:
    """Give templates the ``page`` they render, for its title and note (a context processor)."""
    return {"page": _PAGES_BY_URL.get(request.path)}
