"""Graphite: carbon and graphite-web, as `contrib/graphite` sets them up, in an environment of their own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from scripts.services import FOLDER, ROOT, processes

# Dependencies are not pinned further: what pip finds for these runs on CPython 3.11.
PACKAGES = ("carbon==1.1.10", "graphite-web==1.1.10", "whisper==1.1.10", "setuptools<81")
SERVER = ("waitress>=3", "whitenoise>=5,<6")
#: The newest CPython that these can be built for.
NEWEST = (3, 11)
HERE = FOLDER / "graphite"
VENV = HERE / "env"
CONF = HERE / "conf"
STORAGE = HERE / "storage"
CARBON_PID = STORAGE / "carbon.pid"
READY = VENV / "ready"
CONTRIB = ROOT / "contrib" / "graphite"

# Everything on loopback. A new series is made at once, where carbon's default makes 50 a minute and drops the others.
CARBON = """\
[cache]
STORAGE_DIR = {storage}
LOCAL_DATA_DIR = {storage}/whisper
CONF_DIR = {conf}
LOG_DIR = {storage}/log/carbon
PID_DIR = {storage}
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = {line}
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = {pickle}
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = {query}
MAX_CREATES_PER_MINUTE = inf
MAX_UPDATES_PER_SECOND = 5000
USE_WHITELIST = True
ENABLE_LOGROTATION = True
ENABLE_TAGS = True
TAG_UPDATE_INTERVAL = 1
TAG_BATCH_SIZE = 100
GRAPHITE_URL = http://127.0.0.1:{web}
"""
WEB = """\
SECRET_KEY = "for tests on loopback only"
STORAGE_DIR = {storage!r}
CONF_DIR = {conf!r}
STATIC_ROOT = {static!r}
CARBONLINK_HOSTS = ["127.0.0.1:{query}"]
TIME_ZONE = "UTC"
LOG_ROTATION = False
FIND_TIMEOUT = 30.0
FETCH_TIMEOUT = 30.0
DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": {database!r},
        "OPTIONS": {{"timeout": 30}},
    }}
}}
"""


def ports() -> dict[str, int]:
    """Return the ports: carbon's `line` (which statsd sends to), `pickle` and `query`, and `web`."""
    names = {
        "line": "carbon",
        "pickle": "carbon-pickle",
        "query": "carbon-query",
        "web": "graphite",
    }
    return {key: processes.port(name) for key, name in names.items()}


def install() -> None:
    """Make the environment, unless it is there."""
    if READY.exists() and READY.read_text() == repr((PACKAGES, SERVER)):
        return
    import environments  # the driver puts scripts/ on the path
    import system_packages

    if not _has_cairo() and not system_packages.install("libcairo2"):
        raise RuntimeError(
            "graphite-web needs the library cairo. Install it with: apt-get install libcairo2"
        )
    found = environments.interpreters()
    if NEWEST not in found:
        raise RuntimeError(
            f"carbon and graphite-web 1.1.10 need CPython {'.'.join(map(str, NEWEST))}, which is not on this machine; "
            "newer ones have not what they are built with"
        )
    print("graphite: installing carbon and graphite-web 1.1.10", flush=True)
    python = environments.make(found[NEWEST], VENV)
    environments.pip_install(python, *PACKAGES, *SERVER)
    # graphite-web looks for its pages' files beside its package, and pip puts them beside the environment's lib.
    (
        Path(_ask(python, "import graphite; print(*graphite.__path__)")).parent / "content"
    ).symlink_to(VENV / "webapp" / "content")
    READY.write_text(repr((PACKAGES, SERVER)))


def start() -> dict[str, str]:
    """Start carbon and graphite-web and return where they answer."""
    numbers = ports()
    if not processes.running("carbon") and not processes.running("graphite-web"):
        # Each run of the tests leaves a hundred megabytes.
        shutil.rmtree(STORAGE, ignore_errors=True)
    configure(numbers)
    if not processes.running("carbon"):
        # After a kill carbon would take whatever has its old pid for itself.
        CARBON_PID.unlink(missing_ok=True)
    if not (STORAGE / "graphite.db").exists():
        _manage("migrate", "--run-syncdb", "--verbosity=0")
        _manage("collectstatic", "--no-input", "--clear", "--verbosity=0")
    processes.spawn(
        "graphite-web",
        [
            VENV / "bin" / "waitress-serve",
            f"--listen=127.0.0.1:{numbers['web']}",
            "--threads=8",
            "graphite.wsgi:application",
        ],
        lambda: processes.answers(numbers["web"]),
        cwd=HERE,
        environment=_environment(),
    )
    processes.spawn(
        "carbon",
        [
            VENV / "bin" / "carbon-cache.py",
            f"--config={CONF / 'carbon.conf'}",
            "--nodaemon",
            f"--pidfile={CARBON_PID}",
            "start",
        ],
        lambda: all(processes.answers(numbers[name]) for name in ("line", "pickle", "query")),
        cwd=HERE,
        environment=_environment(),
    )
    return {
        "PERFKIT_TEST_GRAPHITE": f"http://127.0.0.1:{numbers['web']}",
        "PERFKIT_TEST_CARBON": f"127.0.0.1:{numbers['line']}",
        "PERFKIT_TEST_WHISPER": str(STORAGE / "whisper"),
    }


def stop() -> None:
    """Stop both; what was stored stays until the next start."""
    processes.stop("carbon")
    processes.stop("graphite-web")


def configure(numbers: dict[str, int]) -> None:
    """Write the configuration: contrib's files as they are, and what says where things lie on this machine."""
    for folder in (
        CONF,
        STORAGE / "whisper",
        STORAGE / "log" / "webapp",
        STORAGE / "log" / "carbon",
    ):
        folder.mkdir(parents=True, exist_ok=True)
    for name in ("storage-schemas.conf", "storage-aggregation.conf", "blacklist.conf"):
        shutil.copy(CONTRIB / name, CONF / name)
    (CONF / "carbon.conf").write_text(CARBON.format(storage=STORAGE, conf=CONF, **numbers))
    for name in ("dashboard.conf", "graphTemplates.conf"):
        shutil.copy(VENV / "conf" / f"{name}.example", CONF / name)
    web = WEB.format(
        storage=str(STORAGE),
        conf=str(CONF),
        static=str(HERE / "static"),
        database=str(STORAGE / "graphite.db"),
        **numbers,
    )
    (CONF / "perfkit_graphite.py").write_text(web)


def _environment() -> dict[str, str]:
    return {
        "GRAPHITE_ROOT": str(HERE),
        "GRAPHITE_CONF_DIR": str(CONF),
        "GRAPHITE_STORAGE_DIR": str(STORAGE),
        "GRAPHITE_SETTINGS_MODULE": "perfkit_graphite",
        "DJANGO_SETTINGS_MODULE": "graphite.settings",
        "PYTHONPATH": str(CONF),
        "PYTHONWARNINGS": "ignore",
    }


def _manage(*arguments: str) -> None:
    _ask(VENV / "bin" / "django-admin", *arguments)


def _has_cairo() -> bool:
    import ctypes.util

    return ctypes.util.find_library("cairo") is not None


def _ask(program: Path, *arguments: str) -> str:
    """Run a program of the environment and return what it prints; a Python is given code."""
    words = ["-c", *arguments] if program.name == "python" else list(arguments)
    done = subprocess.run(
        [str(program), *words],
        cwd=HERE,
        env={**_environment(), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{program.name} {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    return done.stdout.strip()
