"""A program: serve pages on a Django or asgiref in which one name was renamed, and tell what was seen.

``python renamed.py _fetch_all`` replaces the word wherever it stands in their sources, while these are
imported: what is imported is such a Django as it would be released.
"""

from __future__ import annotations

import json
import re
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

#: What the name is in this Django.
RENAMED = "renamed_since"


class Renaming(SourceFileLoader):
    """Loads a module with the name renamed."""

    word = re.compile(r"(?!)")

    def get_code(self, fullname: str) -> CodeType:
        """Compile the module anew: what Python has in its cache knows the old name."""
        source = Path(self.path).read_text(encoding="utf-8")
        return compile(self.word.sub(RENAMED, source), self.path, "exec")


class RenamingFinder(MetaPathFinder):
    """Finds the modules of Django and asgiref that have the name."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find one of them; the others are found as ever."""
        if name.split(".")[0] not in ("django", "asgiref"):
            return None
        spec = PathFinder.find_spec(name, path, target)
        file = Path(spec.origin or "") if spec else Path()
        if spec and file.suffix == ".py" and Renaming.word.search(file.read_text("utf-8")):
            spec.loader = Renaming(name, str(file))
        return spec


def serve() -> dict[str, Any]:
    """Ask for each page under perfkit's middleware, and return what is known of each."""
    import django
    from django.conf import settings

    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["django.contrib.contenttypes", "perfkit", "tests.library"],
        MIDDLEWARE=["perfkit.middleware.PerfkitMiddleware"],
        PERFKIT={"STORE": False, "SERVER_TIMING": "always"},
        ROOT_URLCONF="tests.renamed_pages",
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        USE_TZ=True,
    )
    django.setup()

    from asgiref.sync import async_to_sync
    from django.apps import apps
    from django.core.checks import run_checks
    from django.db import connection
    from django.test import AsyncClient, Client

    import perfkit
    from perfkit import isolation
    from perfkit.capture.fit import misfits
    from tests.library.shelves import fill

    with connection.schema_editor() as editor:
        for model in apps.get_models():
            editor.create_model(model)
    fill()
    pages = {}
    for page in ("shelf", "table"):
        with perfkit.record() as record:
            response: Any = Client().get(f"/{page}/")
        pages[page] = (response, record.result)
    with perfkit.record() as record:
        response = async_to_sync(AsyncClient().get)("/desk/")
    pages["desk"] = (response, record.result)
    return {
        "told": "\n".join(f"{each.id} {each.msg}" for each in run_checks(tags=["perfkit"])),
        "off": misfits(),
        "failures": dict(isolation.failures),
        "pages": {
            page: {
                "status": response.status_code,
                "body": response.content.decode(),
                "timing": response.headers.get("Server-Timing", ""),
                "record": record.to_dict(),
            }
            for page, (response, record) in pages.items()
        },
    }


if __name__ == "__main__":
    if sys.argv[1:]:
        Renaming.word = re.compile(rf"\b{re.escape(sys.argv[1])}\b")
        sys.meta_path.insert(0, RenamingFinder())
    json.dump(serve(), sys.stdout)
