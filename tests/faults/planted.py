"""The secrets that the test plants, each of its own, so that one that is found tells where it was."""

from __future__ import annotations

_TEXTS = (
    "url path",
    "unknown url",
    "query string",
    "query without name",
    "user agent",
    "authorization",
    "referer",
    "own header",
    "request start",
    "forwarded for",
    "cookie",
    "method",
    "form value",
    "json value",
    "file name",
    "file content",
    "sql parameter",
    "sql literal",
    "sql comment",
    "sql line comment",
    "sql pattern",
    "orm value",
    "raw value",
    "loop value",
    "written value",
    "cache key",
    "cache value",
    "session value",
    "response body",
    "response header",
    "response cookie",
    "exception text",
    "failed literal",
    "failed parameter",
    "redirect",
    "streamed",
    "local variable",
    "running literal",
    "running parameter",
    "stored row",
    "explained parameter",
    "explained literal",
)

#: Where it is planted -> the secret. Letters, so that no masking of numbers hides one by luck.
PLANTED = {
    where: "zq" + "".join(chr(ord("a") + ord(letter) % 26) for letter in where) + "xj"
    for where in _TEXTS
}
#: Not secret: what the site's own code calls its parameters, cookies and headers.
NAMES = {
    "query key": "zqkey",
    "header name": "zqheader",
    "cookie name": "zqcookie",
    "form key": "zqf",
}

PLANTED["sql number"] = "4929123456781234"
PLANTED["sql bytes"] = "5ec7e75ec7e75ec7e7"

assert len(set(PLANTED.values())) == len(PLANTED)
