"""Observes each Celery task as a request is observed, under the task's own name.

Works wherever Celery runs a task: in prefork, thread and gevent workers, and eagerly in the
process that sends it. A task that is run inside a request or another task is part of its work.
"""

from __future__ import annotations

from typing import Any

from celery import signals
from django.http import HttpRequest
from kombu.utils.compat import detect_environment

from perfkit import hooks, pipeline
from perfkit.conf import get_settings
from perfkit.isolation import isolated
from perfkit.observation import Observation
from perfkit.samples.errors import name_of

#: What a task's end counts as, where a request has its status. A retry is no failure yet.
_SUCCESS, _FAILURE = 200, 500

_UID = "perfkit.celery"


def install() -> None:
    """Connect to Celery's signals, unless perfkit is switched off."""
    if not get_settings().enabled:
        return
    hooks.install()
    signals.task_prerun.connect(_begin, weak=False, dispatch_uid=_UID)
    signals.task_postrun.connect(_end, weak=False, dispatch_uid=_UID)
    signals.worker_process_shutdown.connect(_stop, weak=False, dispatch_uid=_UID)


def uninstall() -> None:
    """Disconnect from Celery's signals."""
    signals.task_prerun.disconnect(dispatch_uid=_UID)
    signals.task_postrun.disconnect(dispatch_uid=_UID)
    signals.worker_process_shutdown.disconnect(dispatch_uid=_UID)


def _begin(task: Any, **told: Any) -> None:
    # Greenlets share their thread, so its CPU time is not the task's.
    observation = pipeline.begin(HttpRequest(), shared=detect_environment() != "default")
    if observation is not None:
        observation.task = task.name
        # Celery keeps one such object for each run of a task, by thread and greenlet.
        task.request._perfkit = observation


def _end(task: Any, state: str | None = None, retval: Any = None, **told: Any) -> None:
    observation: Observation | None = vars(task.request).pop("_perfkit", None)
    if observation is None:
        return
    if state is None:  # cut short: the worker is told to stop
        pipeline.abandon(observation, _FAILURE)
        return
    with isolated("task"):
        observation.leave()
        observation.status = _FAILURE if state == "FAILURE" else _SUCCESS
        if isinstance(retval, BaseException):
            observation.error = name_of(retval)
        observation.finish()


def _stop(**told: Any) -> None:
    # A prefork worker leaves by os._exit(), without what Python does at the end of a process.
    pipeline.end()
