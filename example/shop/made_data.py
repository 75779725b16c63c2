"""Make the shop's rows: the same for the same sizes and seed, on every machine."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db.models import Model

from shop.models import Category, Order, OrderLine, Product, Review, Supplier, Tag

# Public on purpose: the accounts exist on one machine, to try the example.
ADMIN_NAME = "admin"
ADMIN_PASSWORD = "admin"
CUSTOMER_NAME = "customer{}"
CUSTOMER_PASSWORD = "customer"

CATEGORIES = ("Kitchen", "Garden", "Desk", "Travel", "Bath", "Workshop", "Music", "Nursery")
TAGS = ("handmade", "recycled", "gift", "wood", "steel", "cotton", "compact", "limited")
CITIES = ("Porto", "Gdańsk", "Lyon", "Oslo", "Turin", "Ghent", "Tampere", "Graz")
STYLES = ("Amber", "Quiet", "Nordic", "Folding", "Copper", "Striped", "Little", "Sturdy")
THINGS = ("lamp", "kettle", "basket", "chair", "notebook", "bottle", "tray", "clock", "mug", "rug")
FAMILIES = ("Almeida", "Berg", "Costa", "Dubois", "Eriksen", "Fontana", "Garnier", "Hansen")
OPINIONS = ("Exactly as shown.", "Would buy again.", "Smaller than I thought.", "Well made.")
FIRST_DAY = datetime(2026, 1, 1, 8, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows to make; a product carries one to three tags, an order one to eight lines."""

    products: int = 400
    suppliers: int = 40
    customers: int = 60
    reviews: int = 3_000
    orders: int = 12_000


def made_rows(sizes: Sizes, seed: int) -> Iterator[list[Model]]:
    """Yield the rows of one table after another, in an order that foreign keys allow.

    Primary keys count from 1, so the tables have to be empty.
    """
    choice = random.Random(seed)
    yield [Category(pk=n, name=name, slug=name.lower()) for n, name in enumerate(CATEGORIES, 1)]
    yield [Tag(pk=n, name=name) for n, name in enumerate(TAGS, 1)]
    yield [
        Supplier(pk=n, name=f"{choice.choice(FAMILIES)} & Co. {n}", city=choice.choice(CITIES))
        for n in _keys(sizes.suppliers)
    ]
    products = [_product(pk, sizes, choice) for pk in _keys(sizes.products)]
    yield [*products]
    yield [
        Product.tags.through(product_id=pk, tag_id=tag)
        for pk in _keys(sizes.products)
        for tag in choice.sample(_keys(len(TAGS)), choice.randint(1, 3))
    ]
    yield [*_users(sizes)]
    yield [_review(pk, sizes, choice) for pk in _keys(sizes.reviews)]
    yield [_order(pk, sizes, choice) for pk in _keys(sizes.orders)]
    yield [
        OrderLine(
            order_id=pk,
            product=product,
            quantity=choice.randint(1, 4),
            unit_price=product.price,
        )
        for pk in _keys(sizes.orders)
        for product in choice.sample(products, choice.randint(1, min(8, len(products))))
    ]


def _keys(rows: int) -> range:
    return range(1, rows + 1)


def _product(pk: int, sizes: Sizes, choice: random.Random) -> Product:
    return Product(
        pk=pk,
        name=f"{choice.choice(STYLES)} {choice.choice(THINGS)} No. {pk}",
        category_id=choice.randint(1, len(CATEGORIES)),
        supplier_id=choice.randint(1, sizes.suppliers),
        price=Decimal(choice.randint(300, 20_000)) / 100,
        stock=choice.randint(0, 500),
        added_at=FIRST_DAY + timedelta(hours=pk),
    )


def _users(sizes: Sizes) -> Iterator[User]:
    """The admin, then customers, who share one hash: making one takes a third of a second."""
    yield User(
        pk=1,
        username=ADMIN_NAME,
        password=make_password(ADMIN_PASSWORD),
        email="admin@shop.example",
        is_staff=True,
        is_superuser=True,
        date_joined=FIRST_DAY,
    )
    customer_hash = make_password(CUSTOMER_PASSWORD)
    for number in _keys(sizes.customers):
        name = CUSTOMER_NAME.format(number)
        yield User(
            pk=1 + number,
            username=name,
            password=customer_hash,
            email=f"{name}@shop.example",
            date_joined=FIRST_DAY,
        )


def _customer(sizes: Sizes, choice: random.Random) -> int:
    return 1 + choice.randint(1, sizes.customers)


def _review(pk: int, sizes: Sizes, choice: random.Random) -> Review:
    return Review(
        pk=pk,
        product_id=choice.randint(1, sizes.products),
        author_id=_customer(sizes, choice),
        stars=choice.choices((5, 4, 3, 2, 1), (40, 30, 15, 10, 5))[0],
        text=choice.choice(OPINIONS),
        written_at=FIRST_DAY + timedelta(minutes=17 * pk),
    )


def _order(pk: int, sizes: Sizes, choice: random.Random) -> Order:
    return Order(
        pk=pk,
        customer_id=_customer(sizes, choice),
        placed_at=FIRST_DAY + timedelta(minutes=5 * pk),
        shipped=choice.random() < 0.9,
    )
