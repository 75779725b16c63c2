"""The two sites: how to start them, where to begin and what to leave alone."""

from dataclasses import dataclass, field
from pathlib import Path

from loops import OSCAR_LOOPS, WAGTAIL_LOOPS, Loop

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whom the crawl plays: where he starts, and the login form he fills first, if any."""

    name: str
    starts: tuple[str, ...]
    login: str = ""
    form: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)  # one object each, so usable as a key
class Site:
    """One site that nobody here wrote."""

    name: str
    settings: str
    visitors: tuple[Visitor, ...]
    loops: tuple[Loop, ...]
    create: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Its settings, seed and requirements."""
        return HERE / self.name

    @property
    def environment(self) -> Path:
        """Its virtual environment."""
        return ROOT / ".real" / self.name

    @property
    def packages(self) -> Path:
        """Where pip put the site's code."""
        return next(self.environment.glob("lib/python3*/site-packages"))

    @property
    def data(self) -> Path:
        """The folder of its database and files while it runs: a copy of `seeded`."""
        return ROOT / ".real" / f"{self.name}-site"

    @property
    def seeded(self) -> Path:
        """The seeded state that every crawl starts from."""
        return ROOT / ".real" / f"{self.name}-seeded"


def skip(path: str) -> bool:
    """Tell whether a link is left alone: it ends the session, or a web server would answer it, not the site."""
    return "logout" in path or path.startswith(("/static/", "/media/", "/i18n/"))


OSCAR = Site(
    name="oscar",
    settings="shop_settings",
    visitors=(
        Visitor("anonymous", ("/",)),
        Visitor(
            "staff",
            ("/dashboard/", "/accounts/", "/"),
            "/accounts/login/",
            {"login-username": "staff@example.com", "login-password": "real-sites", "login_submit": "Log In"},
        ),
    ),
    loops=OSCAR_LOOPS,
)  # fmt: skip

WAGTAIL = Site(
    name="wagtail",
    settings="cms_settings",
    create=("wagtail", "start", "mysite", "."),
    visitors=(
        Visitor("anonymous", ("/", "/section-0/", "/search/?query=page")),
        Visitor(
            "staff",
            # The admin's menu is drawn by JavaScript, so its entries are no links in the page.
            (
                "/admin/", "/", "/admin/users/", "/admin/groups/", "/admin/collections/", "/admin/redirects/",
                "/admin/workflows/list/", "/admin/workflows/tasks/index/", "/admin/reports/locked/",
                "/admin/reports/workflow/", "/admin/reports/workflow_tasks/", "/admin/reports/site-history/",
                "/admin/reports/aging-pages/", "/admin/reports/page-types-usage/", "/admin/choose-page/",
                "/admin/pages/search/?q=page", "/admin/images/chooser/", "/django-admin/",
            ),
            "/admin/login/",
            {"username": "staff", "password": "real-sites"},
        ),
    ),
    loops=WAGTAIL_LOOPS,
)  # fmt: skip

SITES = (OSCAR, WAGTAIL)
