"""PostgreSQL: a cluster of its own on loopback, in which tests are superuser.

PERFKIT_TEST_POSTGRES is a URL, `postgresql://user:password@127.0.0.1:port/database`. A test that stops its server makes
a cluster of its own by `Cluster(name)`, because others use this one at the same time.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from scripts.services import FOLDER, processes

NAME = "postgres"
PACKAGE = "postgresql"
USER = "perfkit"
PASSWORD = "of-the-test-server-only"
#: PostgreSQL refuses to run as root: there it runs as the user that its package makes.
SYSTEM_USER = "postgres"

# Durable as in production, so that a killed server loses nothing that it confirmed. No socket: loopback only.
CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 100
shared_buffers = 64MB
log_line_prefix = '%m [%p] '
"""


def programs() -> Path | None:
    """Return the folder of initdb and postgres, of the newest version; Debian leaves it off the path."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0,
    )
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def runs_as() -> str | None:
    """Return the system user for the server, None where it is this one."""
    return SYSTEM_USER if os.geteuid() == 0 else None


def install() -> None:
    """Install Debian's package, unless PostgreSQL is there."""
    if programs() is None:
        import system_packages  # the driver puts scripts/ on the path

        if not system_packages.install(PACKAGE) or programs() is None:
            raise RuntimeError(
                f"PostgreSQL is not installed, and apt-get could not: install {PACKAGE}"
            )


@dataclass(frozen=True)
class Cluster:
    """A server and its data.

    Attributes:
        name: of its port, its pid file, its log and its folder.
    """

    name: str

    @property
    def home(self) -> Path:
        """The folder: beside the other services, or where the server's user can enter if it cannot enter there."""
        if runs_as() is None or all(parent.stat().st_mode & 0o001 for parent in FOLDER.parents):
            return FOLDER / self.name
        name = hashlib.blake2s(str(FOLDER).encode(), digest_size=6).hexdigest()
        return Path(tempfile.gettempdir()) / f"perfkit-{self.name}-{name}"

    @property
    def url(self) -> str:
        """How it is reached, as superuser."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{processes.port(self.name)}/postgres"

    def start(self) -> None:
        """Make the cluster where there is none, and start the server unless it runs."""
        found = programs()
        if found is None:
            raise RuntimeError("PostgreSQL is not installed")
        data = self.home / "data"
        if not (data / "ready").exists():
            self._make(found, data)
        processes.spawn(
            self.name,
            [found / "postgres", "-D", data],
            ready=lambda: self._is_ready(found),
            cwd=self.home,
            user=runs_as(),
        )

    def stop(self, how: int = signal.SIGINT) -> None:
        """End the server.

        Args:
            how: SIGINT ends its sessions in order, SIGQUIT at once, as a crash does; SIGTERM would wait for them.
        """
        processes.stop(self.name, how)

    def remove(self) -> None:
        """End the server and delete what it left."""
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)
        for file in (processes.log_file(self.name), FOLDER / "ports" / self.name):
            file.unlink(missing_ok=True)

    def _make(self, found: Path, data: Path) -> None:
        here, user = self.home, runs_as()
        shutil.rmtree(here, ignore_errors=True)
        here.mkdir(parents=True)
        here.chmod(0o755)
        password = here / "password"
        password.write_text(PASSWORD)
        if user is not None:
            entry = pwd.getpwnam(user)
            for path in (here, password):
                os.chown(path, entry.pw_uid, entry.pw_gid)
        done = subprocess.run(
            [
                found / "initdb",
                *("-D", data, "-U", USER, f"--pwfile={password}", "--auth=scram-sha-256"),
                *("--encoding=UTF8", "--locale=C"),
            ],
            cwd=here,
            user=user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed (can {user or 'you'} enter {here}?):\n{done.stdout}")
        with (data / "postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION.format(port=processes.port(self.name)))
        (data / "ready").touch()

    def _is_ready(self, found: Path) -> bool:
        port = str(processes.port(self.name))
        command = [found / "pg_isready", "-q", "-h", "127.0.0.1", "-p", port, "-d", "postgres"]
        return subprocess.run(command, stdin=subprocess.DEVNULL).returncode == 0


def start() -> dict[str, str]:
    """Start the server that tests share, and return how it is reached."""
    cluster = Cluster(NAME)
    cluster.start()
    return {"PERFKIT_TEST_POSTGRES": cluster.url}


def stop() -> None:
    """End it."""
    Cluster(NAME).stop()
