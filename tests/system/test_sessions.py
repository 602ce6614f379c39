"""Terminals in real containers: python-zunclient on a pseudo-terminal, in the clear, with TLS, behind a proxy that ends TLS;
and many sessions, and much in one."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests import certificates
from tests.cli.pseudo import Screen, screen
from tests.system import proxy
from tests.system.api import Session
from tests.system.clients import PYTHON
from tests.system.installation import Installation

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

TERMINAL = str(Path(__file__).with_name("clients_terminal.py"))
CONTAINERS = "/container/v1/containers"


@contextlib.contextmanager
def openstack(cloud: Installation, *words: str, authority: str = "") -> Iterator[Screen]:
    """An ``openstack`` command on a terminal of 80 columns and 24 lines."""
    config = {"OS_CLIENT_CONFIG_FILE": str(cloud.state_dir / "clouds.yaml"), "OS_CLOUD": "boxship"}
    with screen(str(PYTHON), TERMINAL, authority, *words, environment={**os.environ, **config}) as shown:
        yield shown


def use(shown: Screen, name: str, *, end: str) -> None:
    """Type at a shell, pull at the window, and leave."""
    shown.until(f"connected to {name}")
    shown.type("\r")
    shown.until("# ")
    shown.type("echo $((6 * 7)) größer\r")
    shown.until("42 größer")
    sized(shown, 24, 80)
    shown.resize(101, 37)
    sized(shown, 37, 101)
    shown.type(end)
    assert shown.ends() == 0, shown.seen


def sized(shown: Screen, lines: int, columns: int) -> None:
    """The container's terminal has this size, sooner or later: it is told by a request of its own."""
    shown.type(
        f"while [ \"$(stty size)\" != '{lines} {columns}' ]; do sleep 0.1; done; echo is ${{x}}{lines}x{columns}\r"
    )
    shown.until(f"is {lines}x{columns}")


@pytest.fixture
def session(cloud: Installation) -> Iterator[Session]:
    """A user with a network, and nothing else after the test."""
    made = cloud.session()
    network = made.network("sessions", "10.0.0.0/24")
    before = {row["uuid"] for row in made.pages(CONTAINERS, "containers", "uuid")}
    yield made
    now = {row["uuid"] for row in made.pages(CONTAINERS, "containers", "uuid")}
    made.delete(*(now - before))
    made.ask("DELETE", f"/network/v2.0/networks/{network['id']}")


def test_attach_and_exec_of_zunclient(cloud: Installation, session: Session) -> None:
    id = session.run("terminal", ["sh"], interactive=True, tty=True)["uuid"]
    with openstack(cloud, "appcontainer", "exec", "--interactive", "terminal", "sh") as shown:
        use(shown, "terminal", end="exit 3\r")
    with openstack(cloud, "appcontainer", "attach", "terminal") as shown:
        use(shown, "terminal", end="exit\r")
    session.becomes(id, "Stopped")
    asked = [
        action["action"] for action in session.ask("GET", f"{CONTAINERS}/{id}/container_actions")["containerActions"]
    ]
    assert {"exec_cmd", "container_attach"} <= set(asked)


def test_run_of_zunclient_stays_in_the_container(cloud: Installation, session: Session) -> None:
    words = ("appcontainer", "run", "--interactive", "--name", "stay", "busybox", "sh")
    with openstack(cloud, *words) as shown:
        shown.until("connected to")
        shown.type("\r")
        shown.until("# ")
        shown.type("echo I am $((1 + 1))\r")
        shown.until("I am 2")
        shown.type("exit\r")
        assert shown.ends() == 0, shown.seen


def in_a_container(cloud: Installation, certificate: certificates.Certificate) -> None:
    """Containers made and used by our command line and by the official clients, all over TLS."""
    cloud.command("run", "--detach", "--interactive", "--tty", "--name", "ours", "busybox", "--", "sh")
    assert cloud.command("exec", "-i", "ours", "echo", "over", "TLS").stdout == "over TLS\n"
    authority = str(certificate.certificate)
    with openstack(
        cloud, "appcontainer", "run", "--interactive", "--name", "secure", "busybox", "sh", authority=authority
    ) as shown:
        shown.until("connected to")
        shown.type("\r")
        shown.until("# ")
        shown.type("i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i + 1)); done; echo all ${x}shown\r")
        shown.until("line 499")
        shown.until("all shown")
        shown.type("exit\r")
        assert shown.ends() == 0, shown.seen


def test_tls(own_cloud: Installation, tmp_path: Path) -> None:
    made = certificates.make(tmp_path / "tls")
    own_cloud.options.update(BOXSHIP_TLS_CERTIFICATE=str(made.certificate), BOXSHIP_TLS_KEY=str(made.key))
    own_cloud.up()
    in_a_container(own_cloud, made)


def test_behind_a_proxy_that_ends_tls(own_cloud: Installation, tmp_path: Path) -> None:
    made = certificates.make(tmp_path / "tls")
    with proxy.running(made, own_cloud.listen) as port:
        url = f"https://localhost:{port}"
        own_cloud.options.update(BOXSHIP_PUBLIC_URL=url, BOXSHIP_TLS_CA=str(made.certificate))
        own_cloud.up()
        in_a_container(own_cloud, made)


# Many sessions, and much in one, over the API.


def opened(session: Session, container: str, command: str, **query: str) -> tuple[Any, dict[str, Any]]:
    """A client of a new session with a command, and what the API said of it."""
    words = {"command": command, "interactive": "true", "run": "false", **query}
    answer = session.ask("POST", f"{CONTAINERS}/{container}/execute", params=words)
    return connect(answer["proxy_url"], proxy=None, max_size=None), answer


async def rest(client: ClientConnection) -> tuple[bytes, str]:
    """All that comes, and the reason of the end."""
    parts = []
    try:
        while True:
            part = await client.recv()
            parts.append(part if isinstance(part, bytes) else part.encode())
    except ConnectionClosed as end:
        assert end.rcvd is not None, "the connection broke off"
        return b"".join(parts), f"{end.rcvd.code} {end.rcvd.reason}"


async def test_ten_megabytes_there_and_back(session: Session) -> None:
    id = session.run("pipe", ["sleep", "1000"])["uuid"]
    sent = os.urandom(10 << 20)
    client, _ = opened(session, id, "cat", tty="false")
    async with client as connection:

        async def write() -> None:
            for at in range(0, len(sent), 1 << 16):
                await connection.send(sent[at : at + (1 << 16)])
            await connection.send(b"")

        writing = asyncio.create_task(write())
        came, end = await rest(connection)
        await writing
    assert end == "1000 exit 0"
    assert came == sent


async def test_twenty_shells_at_once(session: Session) -> None:
    id = session.run("shells", ["sleep", "1000"])["uuid"]

    async def work(number: int) -> None:
        client, answer = opened(session, id, "sh")
        async with client as connection:
            path = f"{CONTAINERS}/{id}/execute_resize?exec_id={answer['exec_id']}&w={100 + number}&h=24"
            await asyncio.to_thread(session.ask, "POST", path)
            await connection.send(f"echo {number} $(stty size); exit {number}\n".encode())
            shown, end = await rest(connection)
        assert f"{number} 24 {100 + number}\r\n".encode() in shown
        assert end == f"1000 exit {number}"

    await asyncio.gather(*(work(number) for number in range(20)))


async def test_a_shell_whose_client_left_runs_on_and_ends_with_its_container(session: Session) -> None:
    id = session.run("left", ["sleep", "1000"])["uuid"]
    client, _ = opened(session, id, "sh -c 'echo here; sleep 30; echo late > /tmp/late'")
    async with client as connection:
        assert b"here" in await connection.recv()
    assert "sleep 30" in session.execute(id, "ps")[1]
    session.delete(id)


def test_output_without_end_does_not_cost_the_exit_code(session: Session) -> None:
    id = session.run("much", ["sleep", "1000"])["uuid"]
    code, output = session.execute(id, "head -c 3000000 /dev/zero | tr '\\0' x; exit 9")
    assert code == 9
    assert len(output) == 1 << 20
