"""Every page answers as the list of pages says, to strangers and to visitors who are logged in."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from shop.models import Order, OrderLine, Product, Review
from shop.showcase import PAGES

README = Path(__file__).parents[1] / "README.rst"
VISITORS = (None, "customer1", "admin")
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


def readme_table():
    """Return the README's table as text; paste it there after a change of the list."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    rows = [("Page", "URL", "What it shows", "What perfkit must report")]
    for page in PAGES:
        finding = page.finding
        report = "no finding"
        if finding:
            relation = f" on ``{finding.model}``, path ``{finding.path}``" if finding.model else ""
            fix = f"; fix ``{finding.fix}``" if finding.fix else ""
            report = (
                f"``{finding.kind}``{relation}, {finding.count} statements, "
                f"at ``{finding.code}`` in ``{finding.file}``{fix}"
            )
        rows.append((page.title, f"``{page.url}``", page.shows, report))
    for first, *others in rows:
        lines += [f"   * - {first}", *(f"     - {cell}" for cell in others)]
    return "\n".join(lines)


def test_readme_table_is_the_list_of_pages():
    """The table in the README is made of the list that the tests hold perfkit to."""
    assert readme_table() in README.read_text(), f"README.rst must hold:\n{readme_table()}"


@pytest.mark.parametrize("visitor", VISITORS)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.url)
def test_page_answers(page, visitor, client, log_in):
    """A page answers with its status; the admin sends all but staff to its login."""
    response = log_in(client, visitor).get(page.url)
    body = b"".join(response)
    turned_away = page.staff_only and visitor != "admin"
    assert response.status_code == (302 if turned_away else page.status)
    assert turned_away or len(body) > 500


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/products/1/", 200),
        ("/products/999999/", 404),
        ("/no-such-page/", 404),
        ("/products/1/order/", 302),
        ("/static/shop/shop.css", 200),
        ("/static/admin/css/base.css", 200),
        ("/static/no-such.css", 404),
    ],
)
def test_other_path_answers(path, status, client, log_in):
    """Paths beside the list answer too; static files come with DEBUG off."""
    response = log_in(client, None).get(path)
    b"".join(response)
    assert response.status_code == status


def test_home_lists_every_other_page(client):
    """The home page links to all pages of the list, without one statement."""
    body = client.get("/").content.decode()
    assert [page.url for page in PAGES[1:] if f'href="{page.url}"' not in body] == []


def test_visitor_logs_in_reviews_orders_and_leaves(db):
    """A customer's whole way through the forms, with CSRF checked."""
    browser = Client(enforce_csrf_checks=True)

    def post(form_page, path, **form):
        token = TOKEN.search(browser.get(form_page).content.decode())[1]
        return browser.post(path, {**form, "csrfmiddlewaretoken": token})

    shown = Product.objects.filter(stock__gt=3).first()
    stock, here = shown.stock, shown.get_absolute_url()
    login = {"username": "customer1", "password": "customer"}
    assert post("/login/", "/login/", **login).headers["Location"] == "/for-you/"
    assert post(here, reverse("review", args=[shown.pk]), stars=4, text="Fine.").url == here
    assert post(here, reverse("order", args=[shown.pk]), quantity=2).url == "/for-you/"
    assert b"Ordered: 2" in browser.get("/for-you/").content
    assert post("/for-you/", "/logout/").url == "/"
    assert b"to see your orders" in browser.get("/for-you/").content

    shown.refresh_from_db()
    customer = User.objects.get(username="customer1")
    assert Review.objects.latest("pk").author == customer
    assert Order.objects.latest("pk").customer == customer
    assert OrderLine.objects.latest("pk").quantity == 2
    assert shown.stock == stock - 2


@pytest.mark.parametrize(
    ("action", "form", "says"),
    [
        ("review", {"stars": 9, "text": ""}, "This field is required"),
        ("order", {"quantity": 0}, "Order between 1 and 20 pieces"),
        ("order", {"quantity": 5}, "is sold out"),
    ],
)
def test_refused_form_says_why_and_writes_nothing(action, form, says, client, log_in):
    """A form that cannot be taken leads back to the product's page with the reason."""
    Product.objects.filter(pk=1).update(stock=4)
    before = (Review.objects.count(), Order.objects.count())
    path = reverse(action, args=[1])
    response = log_in(client, "customer1").post(path, form, follow=True)
    assert response.status_code == 200
    assert says in response.content.decode()
    assert before == (Review.objects.count(), Order.objects.count())
