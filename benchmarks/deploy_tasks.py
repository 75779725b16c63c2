"""A Celery application of the deployment check, with a broker of plain files."""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery

FOLDER = Path(os.environ["BENCHMARK_FOLDER"])
DONE = FOLDER / "done"

app = Celery("deploy", broker="filesystem://")
app.conf.update(
    broker_transport_options={
        "data_folder_in": str(FOLDER / "queue"),
        "data_folder_out": str(FOLDER / "queue"),
        "control_folder": str(FOLDER / "control"),
        "polling_interval": 0.02,
    },
    task_ignore_result=True,
)


@app.task(name="deploy.note")
def note() -> None:
    """Run a statement, and leave a byte that says so."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    with DONE.open("ab", buffering=0) as done:
        done.write(b".")
