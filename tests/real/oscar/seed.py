"""Fill the shop through oscar's own models: the same rows at every run.

Sixty products (eight of them with variants) in a tree of eighteen categories, three partners, pictures, attributes,
reviews with votes, offers, ranges, vouchers, thirty orders, wish lists and messages.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - models exist after setup()
from django.core.files.base import ContentFile  # noqa: E402
from django.db import transaction  # noqa: E402
from oscar.apps.catalogue.categories import create_from_breadcrumbs  # noqa: E402
from oscar.core.loading import get_model  # noqa: E402
from oscar.test import factories  # noqa: E402
from PIL import Image  # noqa: E402

EPOCH = datetime(2026, 1, 5, 12, tzinfo=UTC)
SECTIONS = {
    "Books": ("Fiction", "History", "Science", "Travel", "Cookery"),
    "Garden": ("Tools", "Seeds", "Pots", "Furniture"),
    "Kitchen": ("Knives", "Pans", "Glass", "Linen", "Tea", "Coffee"),
}
ATTRIBUTES = {"color": "text", "weight": "integer", "organic": "boolean", "maker": "text"}


def picture(number: int):
    """Return a small one-colour PNG that differs by ``number``."""
    content = BytesIO()
    Image.new("RGB", (120, 90), (number * 37 % 256, number * 91 % 256, 80)).save(content, "PNG")
    return ContentFile(content.getvalue(), name=f"product-{number:03}.png")


def people():
    """Return the staff member and twelve customers, whose password is ``real-sites``."""
    manager = get_user_model().objects
    staff = manager.create_superuser("staff", "staff@example.com", "real-sites", first_name="Sam")
    customers = [
        manager.create_user(f"c{n}", f"customer{n}@example.com", "real-sites", first_name=f"C{n}")
        for n in range(12)
    ]
    return staff, customers


def catalogue():
    """Return the sixty products; each one has a stock record, a picture and four attributes."""
    kind = get_model("catalogue", "ProductClass").objects.create(name="Goods")
    for code, type_ in ATTRIBUTES.items():
        kind.attributes.create(code=code, name=code, type=type_)
    leaves = [
        create_from_breadcrumbs(f"{section} > {name}")
        for section, names in SECTIONS.items()
        for name in names
    ]
    products = []
    for n in range(60):
        structure = "parent" if n % 8 == 3 else "standalone"
        product = factories.create_product(
            upc=f"UPC{n:04}",
            title=f"Product {n:02}",
            product_class="Goods",
            structure=structure,
            description=f"<p>What product {n} is good for.</p>",
            attributes={
                "color": ("red", "blue")[n % 2],
                "weight": n,
                "organic": n % 3 == 0,
                "maker": f"Maker {n % 7}",
            },
        )
        product.categories.add(leaves[n % len(leaves)], leaves[(n * 7 + 1) % len(leaves)])
        product.images.create(original=picture(n), caption=f"Product {n}", display_order=0)
        children = [
            factories.create_product(
                upc=f"UPC{n:04}-{c}", title=f"Variant {c}", parent=product, product_class="Goods"
            )
            for c in range(4 if structure == "parent" else 0)
        ]
        for c, sold in enumerate(children or [product]):
            factories.create_stockrecord(
                sold,
                Decimal(5 + n) + c,
                f"SKU{n:03}-{c}",
                num_in_stock=50 + n % 40,
                partner_name=f"Partner {n % 3}",
            )
        products.append(product)
    for n, product in enumerate(products):
        for step in (1, 2, 3, 4, 5, 6):
            get_model("catalogue", "ProductRecommendation").objects.create(
                primary=product, recommendation=products[(n + step * 7) % 60], ranking=step
            )
    return products


def opinions(products, customers):
    """Write nine reviews for each of the first twelve products, and two votes on each."""
    for product in products[:12]:
        for n, customer in enumerate(customers[:9]):
            review = product.reviews.create(
                user=customer,
                score=n % 5 + 1,
                title=f"Opinion {n}",
                body="It does what it says.",
                status=n % 3 and 1,
            )
            for voter in customers[9:11]:
                review.votes.create(user=voter, delta=1)


def promotions(products):
    """Open six offers on ranges of ten products each, and eight vouchers for them."""
    for n in range(6):
        chosen = get_model("offer", "Range").objects.create(name=f"Range {n}", is_public=True)
        for product in products[n * 10 : n * 10 + 10]:
            chosen.add_product(product)
        condition = get_model("offer", "Condition").objects.create(
            range=chosen, type="Count", value=2
        )
        benefit = get_model("offer", "Benefit").objects.create(
            range=chosen, type="Percentage", value=10 + n
        )
        offer = factories.create_offer(
            f"Offer {n}", "Site" if n % 2 else "Voucher", condition=condition, benefit=benefit, priority=n,
            start=EPOCH, end=EPOCH + timedelta(days=36500),
        )  # fmt: skip
        for c in range(4 if not n % 2 else 0):
            voucher = get_model("voucher", "Voucher").objects.create(
                name=f"Voucher {n}-{c}", code=f"CODE{n}{c}", usage="Multi-use",
                start_datetime=EPOCH, end_datetime=EPOCH + timedelta(days=36500),
            )  # fmt: skip
            voucher.offers.add(offer)


def trade(products, staff, customers):
    """Place thirty orders of four lines each, and give every person a wish list and messages."""
    country = get_model("address", "Country").objects.create(
        iso_3166_1_a2="GB", iso_3166_1_a3="GBR", iso_3166_1_numeric="826", printable_name="United Kingdom",
        name="United Kingdom", is_shipping_country=True,
    )  # fmt: skip
    place = {
        "first_name": "A",
        "last_name": "Buyer",
        "line1": "1 High Street",
        "line4": "York",
        "postcode": "YO1 7HH",
    }
    simple = [product for product in products if product.structure == "standalone"]
    for n in range(30):
        buyer = (staff, *customers)[n % 13]
        basket = get_model("basket", "Basket").objects.create(owner=buyer)
        basket.strategy = factories.Default()
        for step in range(4):
            basket.add_product(simple[(n * 3 + step * 5) % len(simple)], quantity=step + 1)
        address = get_model("order", "ShippingAddress").objects.create(country=country, **place)
        order = factories.create_order(f"1{n:05}", basket, buyer, address)
        order.notes.create(user=staff, note_type="System", message="Packed")
        get_model("order", "Order").objects.filter(pk=order.pk).update(
            date_placed=EPOCH + timedelta(hours=n)
        )
    for n, person in enumerate((staff, *customers)):
        person.addresses.create(country=country, **place)
        wishes = person.wishlists.create(name="Wishes", key=f"wish{n:02}", visibility="Public")
        for step in range(8):
            wishes.add(products[(n + step * 3) % 60])
        for step in range(3):
            person.notifications.create(subject=f"Message {step}", body="Thank you.")


def main() -> None:
    """Seed an empty, migrated database."""
    with transaction.atomic():
        staff, customers = people()
        products = catalogue()
        opinions(products, customers)
        promotions(products)
        trade(products, staff, customers)


main()
