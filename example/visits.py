"""Plan the visits that drive.py makes: who comes, what is asked for, which status must answer."""

import random
from dataclasses import dataclass, replace

EXPORT = "/export/order-lines.csv"
CUSTOMERS = [(f"customer{number}", "customer") for number in range(1, 6)]
ADMIN = ("admin", "admin")


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a visit and the status that must answer it."""

    path: str
    status: int = 200
    form: dict[str, str] | None = None
    aborted: bool = False


Steps = tuple[Step, ...]
# What a visitor may do next and how often, relative to the rest; {pk} is a product's.
MIX: tuple[tuple[float, Steps], ...] = (
    (8, (Step("/"),)),
    (8, (Step("/catalog/"),)),
    (6, (Step("/catalog/?page=2"),)),
    (18, (Step("/products/{pk}/"),)),
    (8, (Step("/products/suppliers/"),)),
    (6, (Step("/products/reviews/"),)),
    (6, (Step("/products/tags/"),)),
    (5, (Step("/products/names/"),)),
    (5, (Step("/products/offers/"),)),
    (8, (Step("/products/new/"),)),
    (4, (Step("/stock/"),)),
    (5, (Step("/for-you/"),)),
    (4, (Step("/live/"),)),
    (5, (Step("/api/products/"),)),
    (2, (Step("/static/shop/shop.css"),)),
    (1, (Step("/bestsellers/"),)),
    (0.5, (Step("/bought-together/"),)),
    (0.4, (Step(EXPORT),)),
    (0.4, (Step(EXPORT, aborted=True),)),
    (2, (Step("/products/999999/", 404),)),
    (1, (Step("/no-such-page/", 404),)),
    (1.5, (Step("/broken/", 500),)),
)
CUSTOMER_MIX: tuple[tuple[float, Steps], ...] = (
    *MIX,
    (8, (Step("/for-you/"),)),
    (4, (Step("/products/{pk}/"), Step("/products/{pk}/order/", 302, {"quantity": "1"}))),
    (
        4,
        (
            Step("/products/{pk}/"),
            Step("/products/{pk}/review/", 302, {"stars": "4", "text": "As it should be."}),
        ),
    ),
)
ADMIN_MIX: tuple[tuple[float, Steps], ...] = (
    *MIX,
    (40, (Step("/admin/shop/order/"),)),
    (10, (Step("/admin/shop/product/"),)),
    (10, (Step("/admin/"),)),
)
LOGOUT = (Step("/for-you/"), Step("/logout/", 302, {}))


def plan_visits(requests: int, seed: int, products: list[int]) -> list[list[Step]]:
    """Draw visits of exactly this many requests together.

    Args:
        requests: how many, of all visits.
        seed: the same seed and products give the same visits.
        products: primary keys of products that exist.
    """
    choice = random.Random(seed)
    visits = []
    while requests:
        length = min(requests, choice.randint(50, 110))
        kind = choice.choices(("anonymous", "customer", "admin"), (58, 28, 14))[0]
        visit: list[Step] = []
        if kind == "anonymous" or length < 12:
            _fill(visit, MIX, length, choice, products)
        else:
            mix = ADMIN_MIX if kind == "admin" else CUSTOMER_MIX
            name, password = ADMIN if kind == "admin" else choice.choice(CUSTOMERS)
            login = {"username": name, "password": password}
            visit += [Step("/login/"), Step("/login/", 302, login), Step("/for-you/")]
            _fill(visit, mix, length - len(LOGOUT), choice, products)
            visit += LOGOUT
        visits.append(visit)
        requests -= length
    return visits


def _fill(
    visit: list[Step],
    mix: tuple[tuple[float, Steps], ...],
    length: int,
    choice: random.Random,
    products: list[int],
) -> None:
    """Append steps drawn from the mix until the visit has this length."""
    while missing := length - len(visit):
        fitting = [(weight, steps) for weight, steps in mix if len(steps) <= missing]
        _, steps = choice.choices(fitting, [weight for weight, _ in fitting])[0]
        pk = choice.choice(products)
        visit += [replace(step, path=step.path.format(pk=pk)) for step in steps]
