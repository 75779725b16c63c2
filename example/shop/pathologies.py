"""Views that each hold one performance mistake on purpose; ``shop.showcase`` says which."""

from collections.abc import Sequence

from django.db import connection
from django.db.models import Count, F, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from shop.models import Category, OrderLine, Product
from shop.showcase import ROWS

STOCK_OF_ONE = "SELECT name, stock FROM shop_product WHERE id = %s"


def suppliers(request: HttpRequest) -> HttpResponse:
    """List products with their suppliers: one statement a row."""
    rows = []
    for product in Product.objects.order_by("pk")[:ROWS]:
        supplier = product.supplier
        rows.append((product, supplier.name, supplier.city))
    return _table(request, ("Product", "Supplier", "City"), rows)


def reviews(request: HttpRequest) -> HttpResponse:
    """List products with their mean stars: one statement a row."""
    rows = []
    for product in Product.objects.order_by("pk")[:ROWS]:
        found = list(product.reviews.all())
        stars = sum(review.stars for review in found) / max(1, len(found))
        rows.append((product, len(found), f"{stars:.1f}"))
    return _table(request, ("Product", "Reviews", "Mean stars"), rows)


def tags(request: HttpRequest) -> HttpResponse:
    """List products with their tags: the template runs one statement a row."""
    return render(request, "shop/tags.html", {"products": Product.objects.order_by("pk")[:ROWS]})


def names(request: HttpRequest) -> HttpResponse:
    """List products by their full names: the property runs one statement a row."""
    products = Product.objects.order_by("pk")[:ROWS]
    rows = [(product.full_name, product.price) for product in products]
    return _table(request, ("Full name", "Price"), rows)


def stock(request: HttpRequest) -> HttpResponse:
    """List what is in stock: one statement of a raw cursor a row."""
    rows = []
    with connection.cursor() as cursor:
        for pk in list(Product.objects.order_by("pk").values_list("pk", flat=True)[:ROWS]):
            cursor.execute(STOCK_OF_ONE, [pk])
            rows.append(cursor.fetchone())
    return _table(request, ("Product", "In stock"), rows)


def offers(request: HttpRequest) -> HttpResponse:
    """List the offers: three callers ask for the same category, and each runs the statement."""
    shelf_name = _offer_shelf().name
    products = Product.objects.filter(category=_offer_shelf()).order_by("price", "pk")
    rows = [(product, product.price, shelf_name) for product in products[:ROWS]]
    return _table(request, ("Product", "Price", f"All in {_offer_shelf()}"), rows)


def bought_together(request: HttpRequest) -> HttpResponse:
    """List pairs of products often bought in one order: joins the longest table with itself."""
    pairs = (
        OrderLine.objects.filter(order__lines__product__gt=F("product"))
        .values_list("product__name", "order__lines__product__name")
        .annotate(
            times=Count("order", distinct=True),
            revenue=Sum(F("quantity") * F("unit_price")),
        )
        .order_by("-times", "product__name", "order__lines__product__name")
    )
    rows = list(pairs[:ROWS])
    return _table(request, ("Product", "With", "Orders", "Revenue"), rows)


def _offer_shelf() -> Category:
    return Category.objects.get(slug="kitchen")


def _table(
    request: HttpRequest, columns: tuple[str, ...], rows: Sequence[tuple[object, ...]]
) -> HttpResponse:
    return render(request, "shop/table.html", {"columns": columns, "rows": rows})
