"""Speaks to graphite-web over HTTP: saves and loads a dashboard, evaluates targets, marks an event."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from html import unescape
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from perfkit.errors import PerfkitError

TIMEOUT_S = 30.0
#: How much of an answer is told when it is not what was asked for.
_SHOWN = 200
_HTML_TAG = re.compile(r"<[^>]*>")


class GraphiteError(PerfkitError):
    """graphite-web cannot be reached or did not do what it was asked; the message says which."""


class _Staying(HTTPRedirectHandler):
    """Follows no redirect: what was posted would get lost on the way, and the password leave the server it is for."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Let the answer stand as the failure that it is."""


class GraphiteWeb:
    """One graphite-web.

    Args:
        url: where it answers, with the folder it may lie in; a name and password in it are sent as HTTP's
            basic authentication and never shown.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        self.url = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        self._headers = {"Accept": "application/json"}
        self._opener = build_opener(_Staying)
        if parts.username is not None:
            words = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {b64encode(words.encode()).decode()}"

    def save(self, name: str, state: dict[str, Any]) -> None:
        """Put a dashboard in place; one of that name is replaced.

        Raises:
            GraphiteError: it was not saved.
        """
        answer = self._ask(f"/dashboard/save/{quote(name, safe='')}", {"state": json.dumps(state)})
        if not isinstance(answer, dict) or not answer.get("success"):
            raise GraphiteError(f"{self.url} did not save the dashboard {name!r}: {_told(answer)}")

    def load(self, name: str) -> dict[str, Any] | None:
        """Return a dashboard's state; None when there is none of that name."""
        answer = self._ask(f"/dashboard/load/{quote(name, safe='')}")
        state = answer.get("state") if isinstance(answer, dict) else None
        return state if isinstance(state, dict) else None

    def render(self, target: str, since: str) -> list[dict[str, Any]]:
        """Evaluate a target and return its series, each with ``target`` and ``datapoints``.

        Args:
            target: an expression of Graphite's.
            since: where the time begins that is asked for, as Graphite writes it, such as ``-1h``.
        """
        form = {"target": target, "from": since, "format": "json", "noNullPoints": "true"}
        series = self._list("/render", form)
        return [each for each in series if isinstance(each, dict)]

    def find(self, query: str) -> list[str]:
        """Return the names of the nodes that a path's pattern ends in."""
        nodes = self._list(f"/metrics/find?{urlencode({'query': query})}")
        return [str(node["text"]) for node in nodes if isinstance(node, dict)]

    def tag_values(self, tag: str, *expressions: str) -> list[str]:
        """Return the values that a tag has in the series that match."""
        words = urlencode({"tag": tag, "expr": expressions, "limit": 1000}, doseq=True)
        return [str(value) for value in self._list(f"/tags/autoComplete/values?{words}")]

    def mark(self, what: str, tags: tuple[str, ...], at: float) -> None:
        """Keep an event.

        Args:
            what: its name.
            tags: what it is found by, no space in any.
            at: when it was, in Unix seconds.
        """
        # A second early: graphite-web 1.1 fails on an event in the very second in which a graph ends.
        event = {"what": what, "tags": list(tags), "when": int(at) - 1}
        self._send("/events/", json.dumps(event).encode(), "application/json")

    def events(self, tag: str, since: str) -> list[dict[str, Any]]:
        """Return the events that have a tag."""
        return self._list(f"/events/get_data?{urlencode({'tags': tag, 'from': since})}")

    def _list(self, path: str, form: dict[str, str] | None = None) -> list[Any]:
        answer = self._ask(path, form)
        if not isinstance(answer, list):
            where = f"{self.url}{path.partition('?')[0]}"
            raise GraphiteError(f"{where} did not answer with a list: {_told(answer)}")
        return answer

    def _ask(self, path: str, form: dict[str, str] | None = None) -> Any:
        data = None if form is None else urlencode(form).encode()
        body = self._send(path, data, "application/x-www-form-urlencoded")
        try:
            return json.loads(body)
        except ValueError as error:
            raise GraphiteError(
                f"{self.url}{path.partition('?')[0]} answered no JSON: {_told(body)}. "
                "Is it graphite-web, and open without a login page?"
            ) from error

    def _send(self, path: str, data: bytes | None, content_type: str) -> bytes:
        headers = {**self._headers, **({"Content-Type": content_type} if data else {})}
        request = Request(self.url + path, data, headers)
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                body: bytes = response.read()
                return body
        except HTTPError as error:
            location = error.headers.get("Location")
            reason = _told(f"it moved to {location}" if location else error.read())
            where = f"{self.url}{path.partition('?')[0]}"
            raise GraphiteError(f"{where} answered {error.code}: {reason}") from error
        except (OSError, HTTPException, ValueError) as error:
            raise GraphiteError(
                f"graphite-web does not answer at {self.url} ({error}): "
                "see PERFKIT['GRAPHITE_URL'] or --url"
            ) from error


def _told(answer: object) -> str:
    """Cut an answer down to a line that can be shown."""
    if isinstance(answer, dict) and isinstance(answer.get("error"), str):
        answer = answer["error"]
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else str(answer)
    lines = [
        line.strip() for line in unescape(_HTML_TAG.sub("", text)).splitlines() if line.strip()
    ]
    # graphite-web answers a failure with a traceback: what went wrong is on its last line.
    line = lines[-1] if lines and "Traceback" in text else " ".join(lines)
    return "".join(each for each in line if each.isprintable())[:_SHOWN] or "nothing"
