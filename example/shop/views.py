"""The shop's ordinary views, written as they should be (one of them raises on purpose)."""

import asyncio
import csv
from collections.abc import Iterable, Iterator
from io import StringIO

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Avg, Count, F
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import cache_page
from django.views.decorators.http import require_POST

from shop.forms import OrderForm, ReviewForm
from shop.models import Category, Order, OrderLine, Product, Review, Supplier
from shop.showcase import PAGES, ROWS

EXPORT_BLOCK_CHARS = 16_384
EXPORT_COLUMNS = ("order_id", "order__placed_at", "product__name", "quantity", "unit_price")


def home(request: HttpRequest) -> HttpResponse:
    """List the pages of the example."""
    return render(request, "shop/home.html", {"pages": PAGES[1:]})


def catalog(request: HttpRequest) -> HttpResponse:
    """List products, a page at a time, with all they need from four statements."""
    products = (
        Product.objects.select_related("category", "supplier")
        .prefetch_related("tags")
        .order_by("pk")
    )
    listing = Paginator(products, ROWS).get_page(request.GET.get("page"))
    return render(request, "shop/catalog.html", {"listing": listing})


def product(request: HttpRequest, pk: int, review_form: ReviewForm | None = None) -> HttpResponse:
    """Show one product, its latest reviews and the forms to review and to order it."""
    shown = get_object_or_404(
        Product.objects.select_related("category", "supplier").prefetch_related("tags"), pk=pk
    )
    context = {
        "product": shown,
        "reviews": shown.reviews.select_related("author").order_by("-pk")[:8],
        "order_form": OrderForm(),
        "review_form": review_form or ReviewForm(),
    }
    return render(request, "shop/product.html", context)


@login_required
@require_POST
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """Add the visitor's review of a product."""
    reviewed = get_object_or_404(Product, pk=pk)
    form = ReviewForm(request.POST, instance=Review(product=reviewed, author=request.user))
    if not form.is_valid():
        return product(request, pk, form)
    form.save()
    messages.success(request, "Thank you for your review.")
    return redirect(reviewed)


@login_required
@require_POST
def order(request: HttpRequest, pk: int) -> HttpResponse:
    """Order a product, if enough of it is in stock."""
    wanted = get_object_or_404(Product, pk=pk)
    form = OrderForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Order between 1 and 20 pieces.")
        return redirect(wanted)
    quantity = form.cleaned_data["quantity"]
    with transaction.atomic():
        enough = Product.objects.filter(pk=pk, stock__gte=quantity)
        if not enough.update(stock=F("stock") - quantity):
            messages.error(request, f"{wanted} is sold out.")
            return redirect(wanted)
        placed = Order.objects.create(customer=request.user)
        placed.lines.create(product=wanted, quantity=quantity, unit_price=wanted.price)
    messages.success(request, f"Ordered: {quantity} × {wanted}.")
    return redirect("for_you")


def for_you(request: HttpRequest) -> HttpResponse:
    """Show visitors their own orders, or the best-rated products to those not logged in."""
    if request.user.is_authenticated:
        orders = Order.objects.filter(customer=request.user).prefetch_related("lines__product")
        context = {"orders": orders.order_by("-placed_at", "-pk")[:5]}
    else:
        rated = Product.objects.annotate(stars=Avg("reviews__stars"), votes=Count("reviews"))
        context = {"best_rated": rated.filter(votes__gte=5).order_by("-stars", "pk")[:8]}
    return render(request, "shop/for_you.html", context)


def bestsellers(request: HttpRequest) -> HttpResponse:
    """Rank products, categories and suppliers by sales, from scratch on every request."""
    products = Product.objects.select_related("category").annotate(sales=Count("order_lines"))
    categories = Category.objects.annotate(sales=Count("products__order_lines"))
    suppliers = Supplier.objects.annotate(sales=Count("products__order_lines"))
    rows = [
        (shown, shown.category, shown.sales) for shown in products.order_by("-sales", "pk")[:ROWS]
    ]
    context = {
        "columns": ("Product", "Category", "Sales"),
        "rows": rows,
        "best": [ranked.order_by("-sales", "pk").first() for ranked in (categories, suppliers)],
    }
    return render(request, "shop/table.html", context)


@cache_page(60)
def new(request: HttpRequest) -> HttpResponse:
    """List the newest products, from the cache for a minute."""
    newest = Product.objects.select_related("category").order_by("-added_at", "-pk")[:ROWS]
    rows = [(shown, shown.category, shown.added_at.date()) for shown in newest]
    return render(
        request, "shop/table.html", {"columns": ("Product", "Category", "Added"), "rows": rows}
    )


async def live(request: HttpRequest) -> HttpResponse:
    """Count what the shop holds and list the latest orders, with the async ORM."""
    products, reviews, orders = await asyncio.gather(
        Product.objects.acount(), Review.objects.acount(), Order.objects.acount()
    )
    rows: list[tuple[object, ...]] = [
        ("Products", products),
        ("Reviews", reviews),
        ("Orders", orders),
    ]
    latest = Order.objects.select_related("customer").order_by("-placed_at", "-pk")[:ROWS]
    rows += [(placed, placed.customer.get_username()) async for placed in latest]
    return render(request, "shop/table.html", {"columns": ("What", "Figure"), "rows": rows})


def export(request: HttpRequest) -> HttpResponseBase:
    """Stream all order lines as CSV, in blocks, without holding them in memory."""
    lines = OrderLine.objects.order_by("pk").values_list(*EXPORT_COLUMNS)
    return StreamingHttpResponse(
        _csv_blocks(lines.iterator()),
        content_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="order-lines.csv"'},
    )


def api_products(request: HttpRequest) -> HttpResponse:
    """List the first products as JSON."""
    columns = ("id", "name", "price", "stock", "category__name", "supplier__name")
    return JsonResponse({"products": list(Product.objects.order_by("pk").values(*columns)[:100])})


def broken(request: HttpRequest) -> HttpResponse:
    """Raise: nobody thought of a shop without this order."""
    return redirect("product", pk=Order.objects.get(pk=0).pk)


def _csv_blocks(lines: Iterable[tuple[object, ...]]) -> Iterator[str]:
    """Yield CSV text in blocks: a row of its own in each chunk would cost more than its row."""
    block = StringIO()
    writer = csv.writer(block)
    writer.writerow(EXPORT_COLUMNS)
    for line in lines:
        writer.writerow(line)
        if block.tell() > EXPORT_BLOCK_CHARS:
            yield block.getvalue()
            block.seek(0)
            block.truncate()
    yield block.getvalue()
