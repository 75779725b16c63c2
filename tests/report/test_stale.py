"""Rules and comments that accept nothing any more are found, in the site's own files only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import Any

import pytest
from django.core.management import CommandError

from perfkit.acceptance.accepted import Acceptance, forget, matched
from perfkit.acceptance.comments import comments_in
from perfkit.conf import get_settings
from perfkit.metrics.aggregate import Window
from perfkit.pipeline import Sinks
from perfkit.record import Site
from perfkit.report import stale as module
from perfkit.report.stale import own_folders, source_files, stale

VIEWS = """\
books = list(Book.objects.all())  # perfkit: ok[few]
for book in books:  # perfkit: ok[fewer]
    print(book.author)  # perfkit: ok
"""


@pytest.fixture(autouse=True)
def nothing_matched_yet() -> Iterator[None]:
    """Begin with no memory of other tests."""
    forget()
    yield
    forget()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project with one app, and let code be imported from it."""
    folder = tmp_path / "project"
    views = folder / "shop" / "views.py"
    views.parent.mkdir(parents=True)
    views.write_text(VIEWS)
    monkeypatch.syspath_prepend(folder)
    return folder


def use(line: int, file: str = "shop/views.py") -> None:
    """Let a finding be accepted by the comment of a line."""
    assert Acceptance(()).accepts("n_plus_one", "", "", (Site(file, line, "f"),))


def told(*folders: Path, ignore: Any = ()) -> list[str]:
    """Return what is stale in these folders after what this process has seen."""
    return [str(each) for each in stale(matched(), ignore, folders)]


def test_a_comment_that_accepted_nothing_is_told(project: Path) -> None:
    """With its line; one without a reason is told, too, and why."""
    use(1)
    assert told(project) == [
        "shop/views.py:2: # perfkit: ok[fewer]: accepted nothing",
        "shop/views.py:3: # perfkit: ok: accepts nothing without a reason: ok[reason]",
    ]


def test_a_comment_that_has_moved_is_still_known(project: Path) -> None:
    """What a worker noted before a deploy counts after it."""
    use(1)
    use(2)
    views = project / "shop" / "views.py"
    views.write_text("import os\n\n" + "\n".join(VIEWS.splitlines()[:2]))
    assert told(project) == []


def test_a_comment_of_a_template_is_told(project: Path) -> None:
    """Templates are read as templates."""
    (project / "shop" / "views.py").unlink()
    page = project / "templates" / "list.html"
    page.parent.mkdir()
    page.write_text("{{ book.author }}{# perfkit: ok[one] #}\n{{ x }} {# perfkit: ok[two] #}\n")
    use(2, "templates/list.html")
    assert told(project) == ["templates/list.html:1: {# perfkit: ok[one] #}: accepted nothing"]


def test_a_rule_that_accepted_nothing_is_told() -> None:
    """As it is written in the settings."""
    used, unused = (("MODEL", "shop.Book"),), (("MODEL", "shop.Author"), ("REASON", "few"))
    Acceptance((used, unused)).accepts("n_plus_one", "shop.Book", "", ())
    assert told(ignore=(used, unused)) == [
        "PERFKIT['IGNORE']: {'MODEL': 'shop.Author', 'REASON': 'few'}: accepted nothing"
    ]


def test_other_peoples_code_is_not_read(project: Path) -> None:
    """Environments, packages, caches and hidden folders, however deep."""
    (project / "env").mkdir()
    (project / "env" / "pyvenv.cfg").touch()
    foreign = [
        "env/lib",
        "shop/node_modules/x",
        "lib/site-packages/app",
        ".tox/py",
        "a/__pycache__",
    ]
    for name in foreign:
        (project / name).mkdir(parents=True)
        (project / name / "views.py").write_text(VIEWS)
    assert list(source_files([project])) == [project / "shop" / "views.py"]


def test_a_folder_that_is_named_is_read_wherever_it_lies(project: Path) -> None:
    """USER_PATHS makes an installed package the site's own."""
    package = project / "lib" / "site-packages" / "app"
    package.mkdir(parents=True)
    (package / "views.py").write_text(VIEWS)
    assert list(source_files([package])) == [package / "views.py"]


def test_a_file_is_read_once_and_others_not_at_all(project: Path) -> None:
    """An app lies in the project's folder; a picture holds no comment."""
    (project / "shop" / "picture.png").write_text(VIEWS)
    views = project / "shop" / "views.py"
    assert list(source_files([project, project / "shop", project / "gone"])) == [views]


def test_what_cannot_be_read_is_passed_over(project: Path) -> None:
    """A broken link, a file in an encoding that does not exist."""
    views = project / "shop" / "views.py"
    views.write_bytes(b"# coding: no-such-code\nx = 1  # perfkit: ok[few]\n")
    (project / "shop" / "link.py").symlink_to(project / "gone.py")
    assert told(project) == []


def test_a_folder_that_is_no_project_is_not_read_to_its_end(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And that is told, as it may hide something."""
    monkeypatch.setattr(module, "MOST_FILES", 1)
    (project / "shop" / "zebra.py").write_text(VIEWS)
    assert told(project)[-1] == f"{project / 'shop'}: not read: more than 1 files"


def test_the_sites_own_folders(project: Path, settings: Any) -> None:
    """The project, its apps, its templates and USER_PATHS; nothing of Django's."""
    more, pages = project / "more", project.parent / "pages"
    settings.BASE_DIR = project
    settings.TEMPLATES = [
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [str(pages)]}
    ]
    settings.PERFKIT = {"USER_PATHS": [str(more)]}
    folders = own_folders(get_settings())
    assert {project, pages, more, Path(__file__).parents[1] / "library"} <= set(folders)
    assert not [folder for folder in folders if "django" in folder.parts]


@pytest.fixture
def site(project: Path, store: Path, settings: Any) -> Path:
    """Make the project the site's own folder, with a store and one rule."""
    settings.BASE_DIR = project
    settings.PERFKIT = {**settings.PERFKIT, "IGNORE": [{"MODEL": "shop.Book"}]}
    settings.INSTALLED_APPS = ["perfkit"]
    return project


def flush() -> None:
    """Write what this process has matched, as a worker does."""
    Sinks(get_settings()).flush()


def test_the_command_tells_what_no_worker_has_matched(
    make: Any, write: Any, run: Any, site: Path
) -> None:
    """From the store, over the last 7 days."""
    write(make.request(started_at=time() - 3 * 86_400))
    use(1)
    flush()
    with pytest.raises(CommandError, match="3 to remove or to mend, by 1 recorded") as failed:
        run(stale=True)
    assert failed.value.returncode == 1
    Acceptance(get_settings().ignore).accepts("n_plus_one", "shop.Book", "", ())
    use(2)
    flush()
    with pytest.raises(CommandError, match="1 to remove or to mend"):
        run(stale=True)
    views = site / "shop" / "views.py"
    views.write_text("\n".join(VIEWS.splitlines()[:2]))
    assert run(stale=True) == "Nothing is stale, by 1 recorded request.\n"
    with pytest.raises(CommandError, match="no recorded requests in this window"):
        run(stale=True, since="1s")


def test_what_was_matched_survives_folding() -> None:
    """Minutes become hours and days."""
    first, second = Window(), Window()
    first.accept(["a", "b"])
    second.accept(["b", "c"])
    first.merge(Window.from_json(second.to_json()))
    assert first.accepted == {"a", "b", "c"}


def test_what_a_window_keeps_is_bounded() -> None:
    """Many workers, many days."""
    window = Window()
    for worker in range(3):
        window.accept(f"{worker}-{number}" for number in range(1_000))
    assert len(window.accepted) == 2_000


def test_a_store_without_requests_tells_nothing(run: Any, site: Path) -> None:
    """Everything would seem stale."""
    with pytest.raises(CommandError, match="--stale: no recorded requests") as refused:
        run(stale=True)
    assert refused.value.returncode == 2


def test_a_damaged_store_tells_nothing(run: Any, site: Path, store: Path) -> None:
    """And is left alone."""
    store.parent.mkdir()
    store.write_bytes(b"This is not a database. " * 500)
    with pytest.raises(CommandError, match="The store cannot be read") as refused:
        run(stale=True)
    assert refused.value.returncode == 2


def test_it_prints_text_only(run: Any, site: Path) -> None:
    """An option that would do nothing is refused."""
    with pytest.raises(CommandError, match="--stale prints text only"):
        run(stale=True, format="json")


def test_every_comment_of_this_file_is_text() -> None:
    """So that the check on perfkit's own files finds none."""
    assert comments_in("x.py", Path(__file__).read_text(encoding="utf-8")) == []
