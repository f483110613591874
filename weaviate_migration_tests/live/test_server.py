"""The embedded server, for real: its data, its users, its end, and what a client is told."""

import itertools
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import grpc
import psutil
import pytest
import weaviate
from weaviate.classes.config import DataType, Property

from weaviate_migration.base import errors
from weaviate_migration.base.errors import ServerNotUsableError
from weaviate_migration.base.redaction import redacted
from weaviate_migration.target import server as server_module
from weaviate_migration.target.connect import connect, open_weaviate
from weaviate_migration.target.probes import DIRECT
from weaviate_migration.target.server import (
    LOG_FILE,
    STATE_FILE,
    FolderState,
    ServerAddress,
    embedded_server,
    key_file,
    running_server,
)
from weaviate_migration.target.server_process import (
    LOOPBACK,
    Ports,
    ProcessIdentity,
    servers_of,
    stop,
)
from weaviate_migration.target.weaviate_url import EmbeddedTarget, RemoteTarget
from weaviate_migration_tests.live.free_ports import free_server_ports
from weaviate_migration_tests.live.locked_server import KEY
from weaviate_migration_tests.live.own_server import StoppableServer

DEADLINE_SECONDS = 300
REPOSITORY = Path(errors.__file__).parents[2]
COMMAND = """
import sys
from pathlib import Path
from weaviate_migration.target.server import embedded_server

with embedded_server(Path(sys.argv[1])) as address:
    print(address.http_port, flush=True)
    sys.stdin.read()
"""


def state_of(data_dir: Path) -> FolderState:
    return FolderState.model_validate_json((data_dir / STATE_FILE).read_bytes())


def server_of(data_dir: Path) -> ProcessIdentity:
    server = state_of(data_dir).server
    assert server is not None
    return server


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def command_on(data_dir: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that uses the folder's server until its standard input ends; killed at the latest at the end."""
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(data_dir)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def port_reported_by(command: "subprocess.Popen[str]") -> int:
    assert command.stdout is not None
    return int(command.stdout.readline())


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A folder of its own, on which nothing is left running, whatever the test did."""
    yield tmp_path / "weaviate"
    for server in servers_of(tmp_path / "weaviate"):
        stop(server)


def test_data_outlives_the_server_and_its_ports(data_dir: Path) -> None:
    with open_weaviate(EmbeddedTarget(data_dir), data_dir, None) as client:
        text = Property(name="text", data_type=DataType.TEXT)
        key = client.collections.create("Kept", properties=[text]).data.insert({"text": "still here"})
        first, ports = server_of(data_dir), state_of(data_dir).ports
    assert not first.is_alive()
    with open_weaviate(EmbeddedTarget(data_dir), data_dir, None) as client:
        assert state_of(data_dir).ports != ports
        found = client.collections.use("Kept").query.fetch_object_by_id(key)
        assert found.properties == {"text": "still here"}


def test_nothing_of_the_server_reaches_our_output(data_dir: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    with embedded_server(data_dir, said.append):
        assert (data_dir / LOG_FILE).exists()
    assert capfd.readouterr() == ("", "")
    assert [line.split(" ")[0] for line in said] == ["starting", "Weaviate", "stopped"]


def over_http(host: str, address: ServerAddress, headers: dict[str, str]) -> None:
    with urlopen(Request(f"http://{host}:{address.http_port}/v1/schema", headers=headers), timeout=10) as page:
        assert "Kept" in page.read().decode()


def over_grpc(host: str, address: ServerAddress, headers: dict[str, str]) -> None:
    """Asks for the objects of the collection `Kept`: field 1 of Weaviate's search request."""
    metadata = [(name.lower(), value) for name, value in headers.items()]
    with grpc.insecure_channel(f"{host}:{address.grpc_port}", [DIRECT]) as channel:
        channel.unary_unary("/weaviate.v1.Weaviate/Search")(b"\x0a\x04Kept", timeout=10, metadata=metadata)


def over_the_cluster(host: str, data_dir: Path, headers: dict[str, str]) -> None:
    """As another node would ask."""
    ports = state_of(data_dir).ports
    assert ports is not None
    url = f"http://{host}:{ports.gossip + 1}/nodes/status"
    with urlopen(Request(url, headers=headers), timeout=10) as page:
        assert page.status == 200


def basic_authorization(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


def test_nobody_gets_in_without_the_key(data_dir: Path) -> None:
    """Over HTTP and gRPC, from every address of this machine."""
    interfaces = psutil.net_if_addrs().values()
    hosts = {each.address for interface in interfaces for each in interface if each.family == socket.AF_INET}
    assert LOOPBACK in hosts
    with embedded_server(data_dir) as address, connect(address, None) as client:
        client.collections.create("Kept")
        for asked in (over_http, over_grpc):
            asked(LOOPBACK, address, {"Authorization": f"Bearer {address.api_key}"})
            for host, headers in itertools.product(hosts, [{}, {"Authorization": "Bearer a-wrong-key-of-somebody"}]):
                with pytest.raises((OSError, grpc.RpcError)):
                    asked(host, address, headers)
        over_the_cluster(LOOPBACK, data_dir, basic_authorization("weaviate-migration", address.api_key))
        for host, headers in itertools.product(hosts, [{}, basic_authorization("weaviate-migration", "wrong")]):
            with pytest.raises(HTTPError, match="401"):
                over_the_cluster(host, data_dir, headers)


def test_the_key_is_for_the_owner_of_the_folder_alone(data_dir: Path) -> None:
    with embedded_server(data_dir) as address:
        file = key_file(data_dir)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
        (data_dir / "raft").chmod(0o755)
        data_dir.chmod(0o755)
        assert file.read_text() == address.api_key
        assert running_server(data_dir) == address
        assert address.api_key not in repr(address)
        assert address.api_key not in (data_dir / STATE_FILE).read_text()
        assert redacted(f"the key is {address.api_key}.") == "the key is ***."
    with embedded_server(data_dir) as again:
        assert again.api_key == address.api_key
        assert {stat.S_IMODE(each.stat().st_mode) for each in (data_dir, data_dir / "raft")} == {0o700}


def test_only_what_weaviate_cannot_bind_is_open_beyond_the_loopback(data_dir: Path) -> None:
    with embedded_server(data_dir) as address:
        found = psutil.Process(server_of(data_dir).pid).net_connections()
        ports = state_of(data_dir).ports
    assert ports is not None
    open_to_others = {each.laddr.port for each in found if each.status == "LISTEN" and each.laddr.ip != LOOPBACK}
    assert open_to_others == {address.grpc_port, ports.gossip + 1}


def test_a_server_that_an_earlier_version_started_is_used_without_a_key(data_dir: Path) -> None:
    earlier = StoppableServer(data_dir)
    earlier.start()
    try:
        own = {"http": earlier.address.http_port, "grpc": earlier.address.grpc_port}
        ports = free_server_ports().model_copy(update=own)
        state = FolderState(server=earlier.process, ports=ports).model_dump(exclude={"wants_key"})
        (data_dir / STATE_FILE).write_text(json.dumps(state))
        with embedded_server(data_dir) as address, connect(address, None) as client:
            assert address.api_key == ""
            assert client.is_ready()
    finally:
        earlier.stop()


def test_second_user_leaves_the_server_that_it_found(data_dir: Path) -> None:
    with embedded_server(data_dir) as address:
        server = server_of(data_dir)
        with command_on(data_dir) as command:
            assert port_reported_by(command) == address.http_port
            command.communicate("")
            assert command.returncode == 0
        assert server_of(data_dir) == server
        assert server.is_alive()
    assert not server.is_alive()


def test_owner_that_ends_first_hands_over(data_dir: Path) -> None:
    with command_on(data_dir) as owner:
        port = port_reported_by(owner)
        with embedded_server(data_dir) as address:
            assert address.http_port == port
            owner.communicate("")
            assert owner.returncode == 0
            with connect(address, None) as client:
                assert client.is_ready()
            server = server_of(data_dir)
        assert not server.is_alive()


def test_commands_that_start_at_once_share_one_server(data_dir: Path) -> None:
    with command_on(data_dir) as one, command_on(data_dir) as other:
        assert port_reported_by(one) == port_reported_by(other)
        assert servers_of(data_dir) == [server_of(data_dir)]
        one.communicate("")
        assert server_of(data_dir).is_alive()
        other.communicate("")
    assert servers_of(data_dir) == []


def test_server_of_a_killed_owner_is_adopted_and_stopped(data_dir: Path) -> None:
    with command_on(data_dir) as owner:
        port = port_reported_by(owner)
        owner.kill()
        owner.wait()
        server = server_of(data_dir)
        assert server.is_alive()
        with embedded_server(data_dir) as address:
            assert address.http_port == port
            assert server_of(data_dir) == server
        assert not server.is_alive()


def test_owner_killed_while_the_server_starts(data_dir: Path) -> None:
    with command_on(data_dir) as owner:
        until(lambda: bool(servers_of(data_dir)))
        owner.kill()
        owner.wait()
        with embedded_server(data_dir) as address, connect(address, None) as client:
            assert client.is_ready()
    assert servers_of(data_dir) == []


def test_server_that_nobody_remembers_is_replaced(data_dir: Path) -> None:
    with command_on(data_dir) as owner:
        port_reported_by(owner)
        owner.kill()
        owner.wait()
        forgotten = server_of(data_dir)
        (data_dir / STATE_FILE).unlink()
        with embedded_server(data_dir):
            assert server_of(data_dir) != forgotten
            assert not forgotten.is_alive()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signal_that_ends_the_owner_stops_the_server(data_dir: Path, number: signal.Signals) -> None:
    with command_on(data_dir) as owner:
        port_reported_by(owner)
        owner.send_signal(number)
        assert owner.wait() != 0
    assert servers_of(data_dir) == []
    assert state_of(data_dir) == FolderState()


def test_sigterm_while_the_server_starts(data_dir: Path) -> None:
    with command_on(data_dir) as owner:
        until(lambda: (data_dir / STATE_FILE).exists() and state_of(data_dir).server is not None)
        owner.send_signal(signal.SIGTERM)
        owner.wait()
    assert servers_of(data_dir) == []


def test_server_is_no_part_of_our_process_group(data_dir: Path) -> None:
    with embedded_server(data_dir):
        assert os.getpgid(server_of(data_dir).pid) != os.getpgid(0)
        assert os.getsid(server_of(data_dir).pid) != os.getsid(0)


def test_server_that_died_is_started_again(data_dir: Path) -> None:
    with embedded_server(data_dir):
        died = server_of(data_dir)
        os.kill(died.pid, signal.SIGKILL)
        until(lambda: not died.is_alive())
        with embedded_server(data_dir) as address, connect(address, None) as client:
            assert client.is_ready()
    assert servers_of(data_dir) == []


def test_other_ports_are_tried_when_one_was_taken(
    data_dir: Path, server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = free_server_ports()
    offers: list[Ports] = [free.model_copy(update={"http": server.http_port}), free]
    monkeypatch.setattr(server_module, "free_ports", lambda: offers.pop(0))
    with embedded_server(data_dir) as address:
        assert address.http_port == free.http
    assert offers == []


def test_data_that_the_server_cannot_read_is_told_with_the_log(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "raft").write_text("a file, where the server wants a folder")
    with pytest.raises(ServerNotUsableError, match="did not come up") as raised, embedded_server(data_dir):
        pass
    assert "raft" in raised.value.message
    assert servers_of(data_dir) == []


def test_connects_to_a_server_that_runs(server: ServerAddress, tmp_path: Path) -> None:
    with open_weaviate(RemoteTarget(server), tmp_path, None) as client:
        assert client.is_connected()
    assert not client.is_connected()
    assert list(tmp_path.iterdir()) == []


def test_each_test_finds_an_empty_server(client: weaviate.WeaviateClient) -> None:
    assert client.collections.list_all() == {}
    assert client.alias.list_all() == {}


def test_wrong_grpc_port_is_told_with_the_right_address(server: ServerAddress) -> None:
    wrong = ServerAddress(server.host, server.http_port, free_server_ports().grpc)
    with pytest.raises(ServerNotUsableError, match=rf"gRPC at {LOOPBACK}:{wrong.grpc_port} does not") as raised:
        connect(wrong, None)
    assert "--grpc-port" in raised.value.hint


def test_server_without_authentication_refuses_every_key(server: ServerAddress) -> None:
    with pytest.raises(ServerNotUsableError, match="refuses the API key") as raised:
        connect(server, KEY)
    assert "or none" in raised.value.hint


def test_right_key_is_accepted(locked_server: ServerAddress) -> None:
    with connect(locked_server, KEY) as client:
        client.collections.create("Locked").data.insert({})
        assert len(client.collections.use("Locked").query.fetch_objects(limit=2).objects) == 1


def test_wrong_key_is_refused_and_not_repeated(locked_server: ServerAddress) -> None:
    with pytest.raises(ServerNotUsableError, match="refuses the API key") as raised:
        connect(locked_server, "wrong-key")
    assert "wrong-key" not in str(raised.value)
    assert str(locked_server) in raised.value.message


def test_missing_key_is_asked_for(locked_server: ServerAddress) -> None:
    with pytest.raises(ServerNotUsableError, match="wants an API key") as raised:
        connect(locked_server, None)
    assert "--api-key" in raised.value.hint
