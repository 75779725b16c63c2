"""The made data and the planned visits are the same wherever they are made."""

import pytest
from django.core.management import CommandError, call_command
from shop.made_data import Sizes, made_rows
from shop.models import Order, OrderLine, Product, Review
from shop.showcase import PAGES
from visits import plan_visits

from tests.conftest import SMALL


def rows_of_shop():
    """Return the rows of the tables that are drawn from the seed."""
    return [list(model.objects.order_by("pk").values()) for model in (Product, Review, Order)]


def test_seed_rewrites_the_same_rows(db):
    """A second run replaces what visitors changed; another seed makes another shop."""
    rows = rows_of_shop()
    lines = OrderLine.objects.count()
    Product.objects.filter(pk=1).update(name="changed")
    Review.objects.filter(pk__lt=9).delete()
    call_command("seed", verbosity=0, **SMALL)
    assert rows_of_shop() == rows
    assert OrderLine.objects.count() == lines
    call_command("seed", verbosity=0, **SMALL, seed=2)
    assert rows_of_shop() != rows


def test_seed_keeps_a_shop_with_products_when_asked_to(db):
    """``--if-empty`` writes nothing where there are products."""
    Product.objects.filter(pk=1).update(name="changed")
    call_command("seed", "--if-empty", verbosity=0, products=5)
    assert Product.objects.get(pk=1).name == "changed"


def test_seed_makes_the_sizes_asked_for():
    """Sizes are met exactly; the smallest shop has one of each."""
    tables = {type(rows[0]): len(rows) for rows in made_rows(Sizes(1, 1, 1, 1, 1), seed=1)}
    assert (tables[Product], tables[Review], tables[Order]) == (1, 1, 1)


@pytest.mark.parametrize("option", ["--products=0", "--orders=many", "--reviews=-1"])
def test_seed_refuses_a_bad_size(option):
    """A size that is no whole number above 0 is named."""
    with pytest.raises(CommandError, match=f"{option.split('=')[1]}' is not a whole number"):
        call_command("seed", option)


@pytest.mark.parametrize("requests", [1, 11, 12, 60, 2_000])
def test_visits_are_planned_from_the_seed_alone(requests):
    """A plan holds the requests asked for, and is the same for the same seed."""
    plan = plan_visits(requests, 7, [1, 2, 3])
    assert sum(map(len, plan)) == requests
    assert plan == plan_visits(requests, 7, [1, 2, 3])
    assert requests < 60 or plan != plan_visits(requests, 8, [1, 2, 3])


def test_default_mix_holds_everything():
    """The mix of 2,000 requests has every page, logins, writes, errors and aborted exports."""
    steps = [step for visit in plan_visits(2_000, 1, [1, 2, 3]) for step in visit]
    assert {200, 302, 404, 500} == {step.status for step in steps}
    assert any(step.aborted for step in steps)
    assert {page.url for page in PAGES} <= {step.path for step in steps}
    assert {"/login/", "/logout/", "/products/1/order/", "/products/1/review/"} <= {
        step.path for step in steps if step.form is not None
    }
