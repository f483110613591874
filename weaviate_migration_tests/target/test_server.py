"""Where the server's binary comes from, and what the data folder's memory is worth; no server is started."""

import fcntl
import io
import os
import signal
import socketserver
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import weaviate.embedded

from weaviate_migration.base.errors import ServerNotUsableError
from weaviate_migration.target import server_binary as binary_module
from weaviate_migration.target.server import (
    STATE_FILE,
    FolderState,
    _ended_like_ctrl_c,
    _is_alone,
    embedded_server,
)
from weaviate_migration.target.server_binary import SERVER_VERSION, binary_folder, binary_name, server_binary
from weaviate_migration.target.server_process import (
    NODE,
    Ports,
    ProcessIdentity,
    free_ports,
    last_lines,
    server_environment,
    servers_of,
    start,
    stop,
    wait_until_ready,
)
from weaviate_migration_tests.live.free_ports import free_port, free_server_ports
from weaviate_migration_tests.live.own_server import StoppableServer

FAKE_GO = """#!/bin/sh
echo "$@" > "$GOBIN/../go-arguments"
printf '#!/bin/sh\\necho built\\n' > "$GOBIN/weaviate-server"
chmod +x "$GOBIN/weaviate-server"
"""
BROKEN_GO = """#!/bin/sh
echo "first line" >&2
echo "no such module" >&2
exit 1
"""


@contextmanager
def serving(kind: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The URL of an HTTP server in this process."""
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as http_server:
        thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http_server.server_address[1]}/"
        finally:
            http_server.shutdown()
            thread.join()


def release() -> bytes:
    """A release as it is published: an archive with one file, `weaviate`."""
    archive, content = io.BytesIO(), b"#!/bin/sh\necho downloaded\n"
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        member = tarfile.TarInfo("weaviate")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


class Release(BaseHTTPRequestHandler):
    """Publishes the release; remembers what was asked for."""

    body = release()
    announced = len(body)
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(self.announced))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture(autouse=True)
def _no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches out: a port where nobody listens stands for github.com, unless a test says otherwise."""
    url = f"http://127.0.0.1:{free_port()}/"
    monkeypatch.setattr(weaviate.embedded, "GITHUB_RELEASE_DOWNLOAD_URL", url)


@pytest.fixture(autouse=True)
def path_without_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """PATH leads to the shell's own tools and to a folder for a `go`."""
    folder = tmp_path / "path"
    folder.mkdir()
    (folder / "chmod").symlink_to("/bin/chmod")
    monkeypatch.setenv("PATH", str(folder))
    return folder


def put_go_on_path(folder: Path, script: str) -> None:
    (folder / "go").write_text(script)
    (folder / "go").chmod(0o755)


def output_of(binary: Path) -> str:
    return subprocess.run([binary], capture_output=True, text=True, check=True).stdout.strip()


# the binary


def test_binary_is_where_the_client_looks_for_it(tmp_path: Path) -> None:
    """Fails when a new weaviate-client has another name for it: it would then try to download."""
    (tmp_path / binary_name()).touch()
    options = weaviate.embedded.EmbeddedOptions(
        persistence_data_path=str(tmp_path), binary_path=str(tmp_path), version=SERVER_VERSION
    )
    weaviate.embedded.EmbeddedV4(options).ensure_weaviate_binary_exists()
    assert binary_folder() == Path(weaviate.embedded.EmbeddedOptions().binary_path)


def test_cached_binary_is_taken_without_a_word(tmp_path: Path) -> None:
    cached = tmp_path / binary_name()
    cached.touch(0o755)
    said: list[str] = []
    assert server_binary(said.append, tmp_path) == cached
    assert said == []


def test_release_is_downloaded_by_the_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Release.asked = []
    said: list[str] = []
    with serving(Release) as url:
        monkeypatch.setattr(weaviate.embedded, "GITHUB_RELEASE_DOWNLOAD_URL", url)
        binary = server_binary(said.append, tmp_path / "cache")
    assert output_of(binary) == "downloaded"
    assert [path.split("/")[1] for path in Release.asked] == [f"v{SERVER_VERSION}"]
    assert sorted(file.name for file in binary.parent.iterdir()) == ["weaviate-migration.lock", binary_name()]
    assert "downloading" in said[0]


def test_broken_download_leaves_nothing_and_go_builds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path_without_go: Path
) -> None:
    class Truncated(Release):
        announced = Release.announced + 1000

    Release.asked = []
    put_go_on_path(path_without_go, FAKE_GO)
    said: list[str] = []
    with serving(Truncated) as url:
        monkeypatch.setattr(weaviate.embedded, "GITHUB_RELEASE_DOWNLOAD_URL", url)
        binary = server_binary(said.append, tmp_path / "cache")
    assert output_of(binary) == "built"
    names = sorted(file.name for file in binary.parent.iterdir())
    assert names == ["go-arguments", "weaviate-migration.lock", binary_name()]
    assert (binary.parent / "go-arguments").read_text() == f"install {binary_module.GO_PACKAGE}\n"
    assert [line.split(":")[0] for line in said[:2]] == [
        f"downloading the official release of Weaviate {SERVER_VERSION} from github.com",
        "no Weaviate binary this way",
    ]


def test_download_without_an_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary_module, "NO_ANSWER_SECONDS", 0.2)
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as silent:
        url = f"http://127.0.0.1:{silent.server_address[1]}/"
        monkeypatch.setattr(weaviate.embedded, "GITHUB_RELEASE_DOWNLOAD_URL", url)
        with pytest.raises(ServerNotUsableError, match="timed out"):
            server_binary(lambda _: None, tmp_path)


@pytest.mark.parametrize(("script", "reason"), [(None, "Go is not on PATH"), (BROKEN_GO, "no such module")])
def test_no_way_left_names_all_of_them(tmp_path: Path, path_without_go: Path, script: str | None, reason: str) -> None:
    if script is not None:
        put_go_on_path(path_without_go, script)
    with pytest.raises(ServerNotUsableError, match="the download failed") as raised:
        server_binary(lambda _: None, tmp_path / "cache")
    assert reason in raised.value.message
    for way in ("--weaviate-url", "github.com", "install Go", binary_name()):
        assert way in raised.value.hint
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["weaviate-migration.lock"]


def test_folder_for_binaries_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServerNotUsableError, match="cannot be written"):
        server_binary(lambda _: None, tmp_path / "file" / "cache")


def test_of_two_that_ask_at_once_one_builds_and_the_other_waits(tmp_path: Path, path_without_go: Path) -> None:
    put_go_on_path(path_without_go, FAKE_GO + f'echo x >> "{tmp_path}/builds"\n')
    found: list[Path] = []
    both_here = threading.Barrier(2)

    def ask() -> None:
        both_here.wait()
        found.append(server_binary(lambda _: None, tmp_path / "cache"))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [tmp_path / "cache" / binary_name()] * 2
    assert (tmp_path / "builds").read_text() == "x\n"


# the process


def test_a_reused_process_id_is_another_process() -> None:
    ourselves = ProcessIdentity.of(os.getpid())
    assert ourselves.is_alive()
    assert not ourselves.model_copy(update={"created": ourselves.created - 60}).is_alive()


def test_who_has_the_number_of_a_server_that_has_ended_is_not_killed_for_it(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        ended = ProcessIdentity(pid=process.pid, created=time.time() - 1_000)
        StoppableServer(tmp_path, _process=ended).kill()
        assert process.poll() is None
        process.kill()


def test_a_process_that_ended_is_not_alive_even_before_it_is_waited_for() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        identity = ProcessIdentity.of(process.pid)
        assert identity.is_alive()
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not identity.is_alive()


def test_free_ports_are_different_and_have_free_neighbours() -> None:
    ports = free_ports()
    used = [ports.http, ports.grpc, ports.gossip, ports.gossip + 1, ports.raft, ports.raft + 1]
    assert len(set(used)) == len(used)
    assert not ports.in_use()


def test_ports_in_use_are_noticed() -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as taken:
        port = int(taken.server_address[1])
        assert free_ports().model_copy(update={"gossip": port - 1}).in_use()


def test_no_free_port_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_socket(_held: ExitStack, _port: int) -> int:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr("weaviate_migration.target.server_process._hold_port", no_socket)
    with pytest.raises(ServerNotUsableError, match="no free port"):
        free_ports()


def test_server_gets_nothing_of_our_environment_that_it_does_not_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEAVIATE_MIGRATION_API_KEY", "secret")
    monkeypatch.setenv("AUTHENTICATION_OIDC_ENABLED", "true")
    environment = server_environment(tmp_path, Ports(http=1, grpc=2, gossip=3, raft=5))
    assert "secret" not in environment.values()
    assert "AUTHENTICATION_OIDC_ENABLED" not in environment
    assert environment["RAFT_JOIN"] == f"{NODE}:{environment['RAFT_PORT']}"
    assert int(environment["RAFT_INTERNAL_RPC_PORT"]) == int(environment["RAFT_PORT"]) + 1
    assert int(environment["CLUSTER_DATA_BIND_PORT"]) == int(environment["CLUSTER_GOSSIP_BIND_PORT"]) + 1


def test_one_node_waits_for_no_other_to_elect_it(tmp_path: Path) -> None:
    environment = server_environment(tmp_path, Ports(http=1, grpc=2, gossip=3, raft=5))
    assert (environment["RAFT_BOOTSTRAP_EXPECT"], environment["RAFT_TIMEOUTS_MULTIPLIER"]) == ("1", "1")


def start_script(tmp_path: Path, script: str) -> ProcessIdentity:
    """Starts a shell script in the server's place."""
    binary = tmp_path / "weaviate"
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)
    ports = free_server_ports()
    environment = {**server_environment(tmp_path, ports), "PATH": "/usr/bin:/bin"}
    return start(binary, ports, environment, tmp_path / "log")


def test_server_that_ends_at_once_is_not_waited_for(tmp_path: Path) -> None:
    server = start_script(tmp_path, "echo out; echo reason >&2; exit 1")
    assert not wait_until_ready(server, free_server_ports())
    assert last_lines(tmp_path / "log") == "out\nreason"
    stop(server)


def test_server_that_never_answers_is_given_up_found_and_stopped(tmp_path: Path) -> None:
    server = start_script(tmp_path, "while true; do sleep 1; done")
    assert not wait_until_ready(server, free_server_ports(), limit=0.2)
    assert server in servers_of(tmp_path)
    assert servers_of(tmp_path / "other") == []
    stop(server)
    assert not server.is_alive()


def test_server_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weaviate_migration.target.server_process.STOP_SECONDS", 2)
    server = start_script(tmp_path, "trap '' TERM; echo deaf; while true; do sleep 0.1; done")
    while "deaf" not in last_lines(tmp_path / "log"):
        assert server.is_alive()
    stop(server)
    assert not server.is_alive()


def test_log_without_lines() -> None:
    assert last_lines(Path("/no/such/log")) == "(the server wrote nothing)"


# the folder and its users


def test_of_two_users_the_second_to_go_is_the_last(tmp_path: Path) -> None:
    with (tmp_path / "users").open("a") as one, (tmp_path / "users").open("a") as other:
        for each in (one, other):
            fcntl.flock(each, fcntl.LOCK_SH)
        assert [_is_alone(one), _is_alone(other)] == [False, True]


def test_state_survives_its_file() -> None:
    state = FolderState(server=ProcessIdentity.of(os.getpid()), ports=Ports(http=1, grpc=2, gossip=3, raft=4))
    assert FolderState.model_validate_json(state.model_dump_json()) == state
    assert state.running() == (state.server, state.ports)


@pytest.fixture
def _binary_that_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    binary = tmp_path / "weaviate"
    binary.write_text("#!/bin/sh\necho 'no luck today'\nexit 1\n")
    binary.chmod(0o755)
    monkeypatch.setattr("weaviate_migration.target.server.server_binary", lambda _say: binary)


@pytest.mark.usefixtures("_binary_that_fails")
def test_server_that_does_not_come_up_is_told_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(ServerNotUsableError, match="no luck today"), embedded_server(tmp_path / "data", print):
        pass
    state = FolderState.model_validate_json((tmp_path / "data" / STATE_FILE).read_bytes())
    assert state == FolderState()


@pytest.mark.usefixtures("_binary_that_fails")
def test_folder_of_a_newer_server_is_refused(tmp_path: Path) -> None:
    (tmp_path / STATE_FILE).write_text(FolderState(version="1.100.0").model_dump_json())
    with pytest.raises(ServerNotUsableError, match=r"1\.100\.0, which is newer"), embedded_server(tmp_path):
        pass
    state = FolderState.model_validate_json((tmp_path / STATE_FILE).read_bytes())
    assert state == FolderState(version="1.100.0")


@pytest.mark.usefixtures("_binary_that_fails")
def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServerNotUsableError, match="cannot use the data folder"), embedded_server(tmp_path / "file"):
        pass


@pytest.mark.usefixtures("_binary_that_fails")
def test_damaged_memory_is_told(tmp_path: Path) -> None:
    (tmp_path / STATE_FILE).write_text("{")
    with pytest.raises(ServerNotUsableError, match="is damaged"), embedded_server(tmp_path):
        pass


def test_binary_of_another_machine_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = tmp_path / "weaviate"
    foreign.write_bytes(b"\x7fELF-not")
    foreign.chmod(0o755)
    monkeypatch.setattr("weaviate_migration.target.server.server_binary", lambda _say: foreign)
    with pytest.raises(ServerNotUsableError, match="cannot be run"), embedded_server(tmp_path / "data"):
        pass


# signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_do_what_ctrl_c_does_and_are_put_back(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(KeyboardInterrupt), _ended_like_ctrl_c():
            signal.raise_signal(number)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_ctrl_c_that_is_ignored_does_not_make_sigterm_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt), _ended_like_ctrl_c():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGINT, before)


def test_handler_of_somebody_else_stays() -> None:
    caught: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: caught.append(number))
    try:
        with _ended_like_ctrl_c():
            signal.raise_signal(signal.SIGTERM)
        assert caught == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_other_threads_set_no_handler() -> None:
    failures: list[BaseException] = []

    def use() -> None:
        try:
            with _ended_like_ctrl_c():
                pass
        except ValueError as error:
            failures.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert failures == []
