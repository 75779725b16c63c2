"""Make a site's environment with pip and its seeded database, and serve it with gunicorn's two workers."""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sites import HERE, ROOT, Site

sys.path.append(str(ROOT / "scripts"))
import environments  # the project's own way to make an environment on any machine

WORKERS = 2


def say(site: Site, text: str) -> None:
    """Show what is being done."""
    print(f"{site.name}: {text}", flush=True)


def fingerprint(*files: Path) -> str:
    """Name a state of some files."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


@cache
def wheel() -> Path:
    """Build the checkout's wheel once, by way of an sdist so that nothing left in the checkout gets in."""
    folder = ROOT / ".real" / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"perfkit's wheel was not built:\n{done.stdout}")
    return next(folder.glob("*.whl"))


def build(site: Site) -> None:
    """Install the pinned site, unless its environment is there, and perfkit as the checkout is now."""
    (ROOT / ".real" / f"{site.name}.log").unlink(missing_ok=True)
    requirements, ready = site.folder / "requirements.txt", site.environment / "ready"
    python = site.environment / "bin" / "python"
    if not ready.exists() or ready.read_text() != fingerprint(requirements):
        say(
            site,
            f"making {site.environment.relative_to(ROOT)} and installing the site (a minute or two)",
        )
        interpreter = environments.ask(Path(sys.executable))
        assert interpreter is not None
        environments.make(interpreter, site.environment)
        environments.pip_install(python, "-r", str(requirements))
        ready.write_text(fingerprint(requirements))
    say(site, "installing perfkit from the checkout")
    environments.pip_install(python, "--no-deps", "--force-reinstall", str(wheel()))


def variables(site: Site, *, perfkit: bool, counts: Path | None = None) -> dict[str, str]:
    """Return the process environment a site runs in; ``perfkit`` adds the one middleware line."""
    return {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PERFKIT", "PYTHON"))
        },
        "DJANGO_SETTINGS_MODULE": site.settings,
        "PYTHONPATH": os.pathsep.join(map(str, (site.folder, site.data, HERE))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",  # Wagtail words a heading by the order of a set
        "REAL_FOLDER": str(site.data),
        "REAL_PERFKIT": "1" if perfkit else "0",
        "REAL_COUNTS": str(counts or os.devnull),
    }


def run(site: Site, *command: str, perfkit: bool = False) -> str:
    """Run a program of the site's environment in the site's folder and return what it prints.

    Raises RuntimeError with all of its output when it fails.
    """
    done = subprocess.run(
        [str(site.environment / "bin" / command[0]), *command[1:]],
        cwd=site.data,
        env=variables(site, perfkit=perfkit),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def seed(site: Site) -> bool:
    """Make the site's database and fill it, unless that was done with these very files; tell whether it was made."""
    state = fingerprint(site.folder / "seed.py", site.folder / "requirements.txt")
    marker = site.seeded / "seeded"
    if marker.exists() and marker.read_text() == state:
        return False
    say(site, "seeding through the site's own models (half a minute)")
    for folder in (site.data, site.seeded):
        shutil.rmtree(folder, ignore_errors=True)
    site.data.mkdir(parents=True)
    if site.create:
        run(site, *site.create)
    run(site, "python", "-m", "django", "migrate", "-v0")
    run(site, "python", str(site.folder / "seed.py"))
    (site.data / "seeded").write_text(state)
    keep(site)
    return True


def keep(site: Site) -> None:
    """Make the state the site is in the one that every crawl starts from."""
    shutil.rmtree(site.seeded, ignore_errors=True)
    shutil.copytree(site.data, site.seeded)


def restore(site: Site) -> None:
    """Put the site back into its seeded state."""
    shutil.rmtree(site.data, ignore_errors=True)
    shutil.copytree(site.seeded, site.data)


@contextmanager
def serving(site: Site, *, perfkit: bool, counts: Path | None = None) -> Iterator[int]:
    """Serve the site as it stands and yield the port; at the end every worker has ended in order.

    With ``counts`` the site runs inside the independent counter, which writes there.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        application = (
            "counter:application()" if counts else "django.core.wsgi:get_wsgi_application()"
        )
        bind = f"--bind=fd://{listener.fileno()}"
        with (ROOT / ".real" / f"{site.name}.log").open("a") as log:
            gunicorn = subprocess.Popen(
                [
                    str(site.environment / "bin" / "gunicorn"),
                    f"--workers={WORKERS}",
                    bind,
                    application,
                ],
                cwd=site.data,
                env=variables(site, perfkit=perfkit, counts=counts),
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[listener.fileno()],
            )
    try:
        yield port
    finally:
        gunicorn.terminate()
        gunicorn.wait(60)
