"""A private PostgreSQL on loopback for the tests that need one, with an empty database for each who asks."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext import asyncio as sa_async

from boxship import app, migrations
from boxship.config import Settings
from tests import cloud


class Postgres:
    """A running server; it trusts whoever reaches its port, which only this host does."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"boxship_{uuid.uuid4().hex}"
        url = sa.URL.create("postgresql+asyncpg", "postgres", host="127.0.0.1", port=self.port, database="postgres")
        engine = sa_async.create_async_engine(url, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
        await engine.dispose()
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"


@contextmanager
def running() -> Iterator[Postgres]:
    """A server of the newest installed version, gone with its directory at the end. It never runs as root."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    with tempfile.TemporaryDirectory(prefix="boxship-postgres-") as directory:
        owner = pwd.getpwnam("postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name)
        data = Path(directory) / "data"
        os.chown(directory, owner.pw_uid, owner.pw_gid)
        # The server ends with the tests, even where these are killed.
        prefix = ["setpriv", "--pdeathsig=INT"]
        if os.geteuid() == 0:
            prefix += [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        initdb = [str(programs / "initdb"), "--auth=trust", "--username=postgres", "--no-sync", f"--pgdata={data}"]
        subprocess.run([*prefix, *initdb], check=True, cwd=directory, stdout=subprocess.DEVNULL)
        port = _free_port()
        options = (
            "fsync=off",
            "max_connections=60",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={directory}",
        )
        start = [str(programs / "postgres"), "-D", str(data), "-p", str(port)]
        with (Path(directory) / "log").open("wb") as log:
            command = [*prefix, *start, *(word for option in options for word in ("-c", option))]
            process = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log)
        try:
            _wait_until_ready(programs, port, process)
            yield Postgres(port)
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown: sessions are cut, not waited for
            process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(programs: Path, port: int, process: subprocess.Popen[bytes]) -> None:
    ready = [str(programs / "pg_isready"), "--host=127.0.0.1", f"--port={port}", "--quiet"]
    deadline = time.monotonic() + 60
    while subprocess.run(ready, check=False).returncode != 0:
        assert process.poll() is None, f"PostgreSQL ended with {process.returncode}"
        assert time.monotonic() < deadline, "PostgreSQL does not answer"
        time.sleep(0.02)


@asynccontextmanager
async def cloud_on(url: str, directory: Path, *, start: bool = True, **settings: Any) -> AsyncIterator[cloud.Cloud]:
    """The real program with fake drivers on this database; users and tokens as in ``tests.cloud``."""
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    chosen = Settings(state_dir=directory, engine="fake", listen="127.0.0.1:9500", database=url, **settings)
    await migrations.upgrade(chosen.database_url)
    program = app.Program(chosen, app.plug(chosen, "test"))
    cloud.people(program)
    made = cloud.Cloud(program)
    try:
        await program.open({"admin": "admin-password", "demo": "demo-password"}, start=start)
        yield made
    finally:
        await made.client.aclose()
        await program.close()
