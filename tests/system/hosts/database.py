"""The PostgreSQL that hosts share, as Debian packages it: on one address, over TLS only, for whoever has the password."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests import certificates
from tests.system.waiting import until

_OWNER = "postgres"
_OPTIONS = (
    "fsync=off",
    "max_connections=100",
    "unix_socket_directories={directory}",
    "listen_addresses={address}",
    "ssl=on",
)


@dataclass(slots=True)
class Shared:
    """A server with one database; it keeps its files while it is stopped, and its password for ever."""

    address: str
    directory: Path
    port: int = 5432
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What programs are told: whom to trust, too."""
        trusted = f"sslmode=verify-full&sslrootcert={self.directory / 'tls' / 'certificate.pem'}"
        return f"postgresql://boxship:{self.password}@{self.address}:{self.port}/boxship?{trusted}"

    def create(self) -> None:
        """Make the server, the user and the empty database, as the guide for operators does."""
        shutil.chown(self.directory, _OWNER, _OWNER)
        secret = self.directory / "password"
        secret.write_text(self.password)
        shutil.chown(secret, _OWNER, _OWNER)
        self._program("initdb", "--auth-host=scram-sha-256", "--auth-local=peer", "--no-sync", f"--pgdata={self._data}")
        secret.unlink()
        with (self._data / "pg_hba.conf").open("a") as rules:
            rules.write("hostssl boxship boxship samenet scram-sha-256\n")
        self._certify()
        self.start()
        self.sql(f"CREATE ROLE boxship LOGIN PASSWORD '{self.password}'", "CREATE DATABASE boxship OWNER boxship")

    def _certify(self) -> None:
        made = certificates.make(self.directory / "tls", self.address)
        for path, name in ((made.certificate, "server.crt"), (made.key, "server.key")):
            copy = self._data / name
            shutil.copy(path, copy)
            shutil.chown(copy, _OWNER, _OWNER)
            copy.chmod(0o600)

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = [option.format(directory=self.directory, address=self.address) for option in _OPTIONS]
        words = [word for option in options for word in ("-c", option)]
        command = [*_as_owner(), str(_programs() / "postgres"), "-D", str(self._data), "-p", str(self.port), *words]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.directory, stdout=log, stderr=log)
        ready = ["pg_isready", f"--host={self.directory}", f"--port={self.port}", "--quiet"]
        until(lambda: subprocess.run(ready, check=False).returncode == 0, "PostgreSQL answers", 60, pause=0.02)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Stop it; sessions are cut. SIGQUIT: as if it had been killed, it recovers at its next start."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None

    @contextmanager
    def away(self, *, crash: bool = False) -> Iterator[None]:
        """Without it for a while: shut down, or crashed."""
        self.stop(signal.SIGQUIT if crash else signal.SIGINT)
        try:
            yield
        finally:
            self.start()

    def sql(self, *statements: str, database: str = "postgres") -> str:
        """What psql prints, as the server's owner."""
        words = [word for statement in statements for word in ("--command", statement)]
        return self._program(
            "psql", f"--host={self.directory}", f"--port={self.port}", "--dbname", database, "-qtAX", *words
        )

    def ask(self, statement: str) -> str:
        """The same of the shared database."""
        return self.sql(statement, database="boxship")

    def _program(self, name: str, *words: str) -> str:
        command = [*_as_owner(), str(_programs() / name), *words]
        done = subprocess.run(command, cwd=self.directory, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.directory)


def create(address: str) -> Shared:
    """A new one that listens on this address of the host's."""
    made = Shared(address, Path(tempfile.mkdtemp(prefix="boxship-shared-")))
    made.create()
    return made


def _programs() -> Path:
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))


def _as_owner() -> list[str]:
    """It never runs as root, and ends with the tests, even where these are killed."""
    owner = pwd.getpwnam(_OWNER)
    assert os.geteuid() == 0
    return ["setpriv", "--pdeathsig=INT", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
