"""What may differ between two crawls of one site, and why; everything else must be byte for byte the same."""

import io
import re
import zipfile
from typing import NamedTuple

from crawl import Answer


class Mask(NamedTuple):
    """Text that differs by its nature, and the reason."""

    pattern: re.Pattern[bytes]
    reason: str


HEADERS = {
    "date": Mask(re.compile(rb".+"), "the server's clock"),
    "expires": Mask(re.compile(rb".+"), "the moment of the request, on pages never to be cached"),
    "set-cookie": Mask(
        re.compile(
            rb"(?<=^csrftoken=)\w+|(?<=^sessionid=)\w+|(?<=; expires=)[^;]+|:\w{6}:[\w-]{43}"
        ),
        "secrets drawn at random for a visitor, an end counted from now, a signature of the moment",
    ),
}
BODY = (
    Mask(
        re.compile(rb'(?:csrfmiddlewaretoken\\?" value=\\?"|"CSRF_TOKEN": ")[A-Za-z0-9]{64}'),
        "Django salts the CSRF token anew for each page",
    ),
    Mask(
        re.compile(rb'<meta name="created" content="[^"]+"'),
        "oscar writes the minute into every page",
    ),
    Mask(
        re.compile(rb'(?<=datetime=")\d{4}-[^"]+'),
        "Wagtail lists when users last logged in: in this crawl",
    ),
    Mask(
        re.compile(rb'(?<=class="w-human-readable-date" )[^>]*tooltip-content-value="[^"]+"'),
        "the same moment to the minute, in words",
    ),
    Mask(
        re.compile(rb"(?:\d+(?: |\xc2\xa0)\w+,? ?){1,2} ago|[Jj]ust now"),
        "ages of seeded rows",
    ),
    Mask(re.compile(rb'name="start_datetime" value="[^"]+"'), "oscar's new vouchers begin now"),
    Mask(
        re.compile(rb"<em>(?:\d+(?::\d+)? [ap]\.m\.|noon|midnight)</em>"),
        "oscar's last 24 hours, up to this one",
    ),
    Mask(
        re.compile(rb'"modelNames": \[[^]]+\]|\d+ (?:page|model) log entries'),
        "Wagtail words these by a set of classes, whose order differs between worker processes",
    ),
)
CREATED = "docProps/core.xml"  # a spreadsheet's part that holds the moment it was written


def plain(answer: Answer) -> tuple[int, list[tuple[str, bytes]], bytes]:
    """Return the answer's status, headers and body with what may differ masked.

    The length is checked here against the answer's own body and the bodies are then compared as a whole,
    since a masked text such as an age may grow by a digit.
    """
    headers = []
    for name, text in answer.headers:
        value = text.encode("latin-1")
        if mask := HEADERS.get(name.lower()):
            value = mask.pattern.sub(b"*", value)
        elif name.lower() == "content-length" and int(value) == len(answer.body):
            value = b"the body's"
        headers.append((name, value))
    body = unzipped(answer.body) if answer.body.startswith(b"PK") else answer.body
    for mask in BODY:
        body = mask.pattern.sub(b"*", body)
    return answer.status, headers, body


def unzipped(content: bytes) -> bytes:
    """Return a spreadsheet's parts one after the other: a zip file holds the time of each."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return b"\n".join(
            name.encode() + archive.read(name) for name in archive.namelist() if name != CREATED
        )
