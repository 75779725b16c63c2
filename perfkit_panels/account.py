"""What the panels show of one request: recorded while it runs, made into a record once for all five."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Token
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from perfkit.analysis import build
from perfkit.capture.current import wants_detail
from perfkit.observation import Observation
from perfkit.record import RequestRecord
from perfkit_panels.phases import Phases, watched

#: Parts of a record that each panel cuts down to what it shows.
_PARTS: Final = ("queries", "paths", "cache_calls", "findings", "eager_loads")


class NotObserved(Exception):
    """Nothing is known of a request; the text says why."""


@dataclass(frozen=True, slots=True)
class Account:
    """One request as all panels see it.

    Attributes:
        observation: its clocks and its trace; finished only once a streamed body has been sent.
        record: made of it, with findings.
        head: the record's figures as plain JSON, without its parts.
        phases: when its view and templates ran.
        is_whole: its body had been sent when this was made.
        path: that was asked for, without a query string.
        response: its answer, of which headers may be read.
    """

    observation: Observation
    record: RequestRecord
    head: Mapping[str, Any]
    phases: Phases
    is_whole: bool
    path: str
    response: HttpResponseBase


@dataclass(slots=True)
class Watch:
    """Looks on while one request is answered; each toolbar has one for all of its panels.

    Attributes:
        phases: filled by the hooks.
        told: the account, or why there is none; None until a panel has asked.
    """

    phases: Phases = field(default_factory=Phases)
    told: Account | Exception | None = None
    _tokens: tuple[Token[Phases | None], Token[bool]] | None = None

    @property
    def is_on(self) -> bool:
        """Whether it looks on already, for another panel."""
        return self._tokens is not None

    def begin(self) -> None:
        """Have everything in this context noted in detail."""
        self._tokens = watched.set(self.phases), wants_detail.set(True)

    def end(self) -> None:
        """Leave the context as it was."""
        if self._tokens is not None:
            watched.reset(self._tokens[0])
            wants_detail.reset(self._tokens[1])

    def account(self, request: HttpRequest, response: HttpResponseBase) -> Account:
        """Return the account of a request; what it takes is done once, and again after a stream.

        Raises:
            NotObserved: perfkit's middleware has not seen it.
            Exception: it failed; each further panel gets the same one.
        """
        told = self.told
        if told is None:
            self._look(getattr(request, "_perfkit", None), request.path, response)
        elif isinstance(told, Account) and not told.is_whole and told.observation.ended:
            self._look(told.observation, told.path, response)
        if isinstance(self.told, Exception):
            raise self.told
        assert self.told is not None, "set by _look()"
        return self.told

    def _look(self, observation: Observation | None, path: str, response: HttpResponseBase) -> None:
        try:
            self.told = _account(observation, self.phases, path, response)
        except Exception as error:  # noqa: BLE001  # kept for the panels, each of which is guarded
            self.told = error


def _account(
    observation: Observation | None, phases: Phases, path: str, response: HttpResponseBase
) -> Account:
    if observation is None:
        raise NotObserved(
            "perfkit has not seen this request: put perfkit.middleware.PerfkitMiddleware into "
            "MIDDLEWARE, directly below the toolbar's, with PERFKIT['ENABLED'] true"
        )
    is_whole = bool(observation.ended)
    record = build(observation)
    bare = replace(record, queries=(), paths=(), cache_calls=(), findings=(), eager_loads=())
    head = {name: value for name, value in bare.to_dict().items() if name not in _PARTS}
    return Account(observation, record, head, phases, is_whole, path, response)


def watch_of(toolbar: Any) -> Watch:
    """Return the one watch of a toolbar; a toolbar belongs to one request."""
    watch: Watch = vars(toolbar).setdefault("_perfkit_watch", Watch())
    return watch
