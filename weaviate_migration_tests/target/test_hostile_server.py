"""A server that answers as no Weaviate does is told in one line, in bounded time and memory; the key stays here."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import weaviate

from weaviate_migration.base.errors import MigrationError, ServerNotUsableError, TargetError, UnusableAnswerError
from weaviate_migration.target import calls as calls_module
from weaviate_migration.target import probes
from weaviate_migration.target.aliases import alias_targets
from weaviate_migration.target.answer_limits import LARGEST_ANSWER_BYTES, limited_client
from weaviate_migration.target.connect import connect
from weaviate_migration.target.figures import server_figures, server_health
from weaviate_migration.target.probes import clock_ahead_seconds
from weaviate_migration.target.schema import Maker, drop_collection
from weaviate_migration.target.write import largest_message
from weaviate_migration_tests.live.command_line import at, run_here
from weaviate_migration_tests.source.databases import make_notes
from weaviate_migration_tests.target.hostile_server import (
    TOO_MUCH,
    TRICKLES,
    UNREADABLE,
    Answer,
    Stopwatch,
    hostile_server,
    json_answer,
    text_answer,
    well_at_first,
)

KEY = "a-key-that-stays-secret"
# Of these commands ask, in the ways that the client has: aliases, schema, nodes, meta.
QUESTIONS: dict[str, Callable[[weaviate.WeaviateClient], Any]] = {
    "aliases": lambda client: alias_targets(client, ["Note"]),
    "nodes": lambda client: server_health(client, ["Note"]),
    "schema": lambda client: drop_collection(client, "Note", Maker("1")),
}
HOSTILE = {f"too much {name}": each for name, each in TOO_MUCH.items()} | UNREADABLE
# Longer than anything here takes, by far; less than a limit that was forgotten.
LONG_SECONDS = 60


def one_line(error: MigrationError) -> str:
    """The message, held to be one line that can be read, without the key."""
    assert "\n" not in error.message
    assert len(error.message) < 1_000
    assert KEY not in str(error)
    return error.message


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
def test_before_anything_is_connected(answer: Answer) -> None:
    watch = Stopwatch()
    with well_at_first(answer) as server:
        server.answers["/v1/meta"] = answer
        with pytest.raises(ServerNotUsableError) as raised:
            connect(server.address, KEY)
    one_line(raised.value)
    assert watch.seconds < LONG_SECONDS


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)
def test_while_it_is_worked_with(ask: Callable[[weaviate.WeaviateClient], Any], answer: Answer) -> None:
    watch = Stopwatch()
    with (
        well_at_first(answer) as server,
        connect(server.address, KEY) as client,
        pytest.raises(TargetError) as raised,
    ):
        ask(client)
    assert len(one_line(raised.value)) > len("asking")
    assert watch.seconds < LONG_SECONDS


def test_no_more_is_read_than_the_limit() -> None:
    sent = 0

    def counting(sender: socket.socket, ended: Any) -> None:
        nonlocal sent
        sender.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not ended.is_set():
            sent += sender.send(bytes(64 * 1024))

    with (
        well_at_first(counting) as server,
        connect(server.address, None) as client,
        pytest.raises(UnusableAnswerError, match=r"GET http://.*/v1/aliases is answered with more than 33\.6 MB"),
    ):
        alias_targets(client, ["Note"])
    assert LARGEST_ANSWER_BYTES / 2 < sent < 2 * LARGEST_ANSWER_BYTES


@pytest.mark.parametrize("answer", TRICKLES.values(), ids=TRICKLES)
def test_an_answer_that_trickles(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes soon after the one before."""
    watch = Stopwatch()
    with well_at_first(answer) as server:
        with connect(server.address, KEY) as client:
            monkeypatch.setattr(calls_module, "QUESTION_SECONDS", 1)
            with pytest.raises(TargetError, match="in time") as in_work:
                alias_targets(client, ["Note"])
        monkeypatch.setattr(probes, "CHECK_SECONDS", 1)
        server.answers["/v1/meta"] = answer
        with pytest.raises(ServerNotUsableError, match="timed out") as before:
            connect(server.address, KEY)
    one_line(in_work.value)
    one_line(before.value)
    assert watch.seconds < LONG_SECONDS


def test_an_answer_that_comes_slowly_is_taken() -> None:
    """Longer than the time for a call, at a speed that a slow network has."""
    body = bytes(200_000)

    def slowly(sender: socket.socket, ended: Any) -> None:
        sender.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1600000\r\n\r\n")
        for _ in range(8):
            sender.sendall(body)
            ended.wait(0.25)

    watch = Stopwatch()
    with hostile_server(slowly) as server, limited_client(secure=False, timeout=1.5) as client:
        found = client.get(f"http://127.0.0.1:{server.address.http_port}/v1/schema")
    assert found.content == body * 8
    assert watch.seconds > 1.5


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_key_is_carried_to_no_other_host(status: int) -> None:
    with hostile_server(json_answer({"version": "1.39.0"})) as other:
        away = f"Location: http://localhost:{other.address.http_port}/v1/meta"
        redirect = text_answer(b"", f"{status} Elsewhere", away)
        with hostile_server(redirect) as server, pytest.raises(ServerNotUsableError, match=f"status {status}"):
            connect(server.address, KEY)
        with well_at_first(redirect) as server, connect(server.address, KEY) as client:
            assert any(f"Bearer {KEY}" in each for each in server.asked)
            for ask in QUESTIONS.values():
                with pytest.raises(TargetError) as raised:
                    ask(client)
                one_line(raised.value)
            with pytest.raises(ServerNotUsableError, match=f"status {status}"):
                server_figures(server.address, KEY, ["Note"])
        assert other.asked == []


@pytest.mark.parametrize(
    "version", ["1." + "9" * 10_000, "9" * 10_000 + ".1", "1.30.5" + "x" * 10_000_000, "1.39\x1b]0;owned\x07"]
)
def test_a_version_that_is_none(version: str) -> None:
    with well_at_first(json_answer({})) as server:
        server.answers["/v1/meta"] = json_answer({"version": version})
        with pytest.raises(ServerNotUsableError, match="is not Weaviate") as raised:
            connect(server.address, KEY)
    one_line(raised.value)


@pytest.mark.parametrize("size", [0, -1, 2**31, 10**400, "9" * 10_000, "many", None, [1], {"a": 1}, 1.5e300])
def test_a_largest_message_that_is_none(size: object) -> None:
    """The client believes it."""
    with well_at_first(json_answer({})) as server:
        server.answers["/v1/meta"] = json_answer({"version": "1.39.0", "grpcMaxMessageSize": size})
        with pytest.raises((ServerNotUsableError, TargetError)) as raised, connect(server.address, KEY) as client:
            largest_message(client)
    one_line(raised.value)


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
def test_figures(answer: Answer) -> None:
    with hostile_server(answer) as server, pytest.raises(ServerNotUsableError) as raised:
        server_figures(server.address, KEY, ["Note"])
    one_line(raised.value)


@pytest.mark.parametrize("date", ["never", "Mon, 99 Jan 9999999 00:00:00 GMT", "9" * 10_000])
def test_a_time_that_is_none(date: str) -> None:
    with hostile_server(text_answer(b"", "200 OK", f"Date: {date}")) as server:
        assert clock_ahead_seconds(server.address) is None


def test_a_long_reason_is_cut() -> None:
    said = {"error": [{"message": "no! " * 100_000}]}
    with (
        well_at_first(json_answer(said, "422 Unprocessable Entity")) as server,
        connect(server.address, None) as client,
        pytest.raises(TargetError, match=r"reading aliases: .*no! no! .*…$") as raised,
    ):
        alias_targets(client, ["Note"])
    one_line(raised.value)


def test_our_own_mistakes_are_not_taken_for_an_answer() -> None:
    with (
        well_at_first(json_answer({"aliases": []})) as server,
        connect(server.address, None) as client,
        pytest.raises(TypeError),
    ):
        alias_targets(client, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("command", ["preflight", "migrate"])
@pytest.mark.parametrize("name", ["too much until the connection ends", "nested lists", "no JSON"])
def test_a_command_ends_in_two_lines(tmp_path: Path, command: str, name: str) -> None:
    """What is wrong, and what to do; nothing was touched."""
    file, mapping = make_notes(tmp_path / "app.db"), tmp_path / "mapping.yaml"
    mapping.write_text(
        "name: n\ncollections:\n  - {name: Note, table: notes, properties: [{name: body, column: body}]}\n"
    )
    with well_at_first(HOSTILE[name]) as server:
        server.answers["/v1/meta"] = HOSTILE[name]
        ended = run_here(
            command, "--sqlite-url", file, "--mapping", mapping, "--work-dir", tmp_path / "work", *at(server.address)
        )
    assert ended.code == 2
    assert len(ended.complaint) <= 3, ended.stderr
