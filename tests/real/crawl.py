"""Visit a site over HTTP as its visitors do: find its pages by their links, log in through its form, ask again and compare."""

import http.client
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from html import unescape
from http.cookies import SimpleCookie
from urllib.parse import quote, urlencode, urljoin, urlsplit

HREF = re.compile(r"""<a\b[^>]*?\shref=["']([^"'#]+)""", re.IGNORECASE)
HIDDEN = re.compile(r"""<input[^>]*name=["']csrfmiddlewaretoken["'][^>]*value=["']([^"']+)""")
VARIABLE_PART = re.compile(r"[^/]*\d[^/]*")


@dataclass(frozen=True, slots=True)
class Answer:
    """One response as it came over the wire."""

    visitor: str
    method: str
    path: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(slots=True)
class Browser:
    """A visitor with a cookie jar; ``name`` tells the answers of two visitors apart."""

    port: int
    name: str
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> Answer:
        """Send one request and keep the cookies it sets; redirects are not followed.

        Raises OSError when the site does not answer within 60 seconds.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        # A host without the port: the port differs from run to run and would show in the pages.
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Host": "127.0.0.1", "Cookie": cookies}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, urlencode(form) if form is not None else None, headers)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                self.cookies |= {key: morsel.value for key, morsel in SimpleCookie(value).items()}
        return Answer(self.name, method, path, response.status, tuple(response.getheaders()), body)

    def log_in(self, path: str, form: dict[str, str]) -> list[Answer]:
        """Send the login form found at ``path``, filled with ``form``; ValueError if the site does not let us in."""
        page = self.ask("GET", path)
        token = HIDDEN.search(page.body.decode())
        entered = self.ask("POST", path, {"csrfmiddlewaretoken": token[1] if token else ""} | form)
        if entered.status != 302:
            raise ValueError(f"{path} answered {entered.status} to the login form of {self.name!r}")
        return [page, entered]


def links(answer: Answer) -> Iterable[str]:
    """Yield the site's own addresses a page points to, redirect target first, in the page's order."""
    found = [value for name, value in answer.headers if name.lower() == "location"]
    if any(name.lower() == "content-type" and "html" in value for name, value in answer.headers):
        found += [unescape(href) for href in HREF.findall(answer.body.decode(errors="replace"))]
    for href in found:
        url = urlsplit(urljoin(answer.path, href.strip()))
        if url.scheme in ("", "http") and url.netloc in ("", "127.0.0.1"):
            yield quote(url.path, safe="/%:@,+") + (f"?{url.query}" if url.query else "")


def discover(
    browser: Browser,
    starts: Iterable[str],
    skip: Callable[[str], bool],
    *,
    pages: int,
    alike: int,
    seconds: float,
) -> list[str]:
    """Return the addresses met breadth first from ``starts``, at most ``pages`` and within ``seconds``.

    Of addresses that differ only in parts with a digit or in the query, the first ``alike`` are taken: many kinds of
    page instead of all the pages of one kind.
    """
    queue, seen, kinds = deque(starts), set(starts), Counter[str]()
    visited: list[str] = []
    deadline = time.monotonic() + seconds
    while queue and len(visited) < pages and time.monotonic() < deadline:
        path = queue.popleft()
        visited.append(path)
        for link in links(browser.ask("GET", path)):
            kind = VARIABLE_PART.sub("*", link.partition("?")[0]) + "?" * ("?" in link)
            if link not in seen and not skip(link) and kinds[kind] < alike:
                seen.add(link)
                kinds[kind] += 1
                queue.append(link)
    return visited
