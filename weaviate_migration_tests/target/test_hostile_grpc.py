"""What a server says over gRPC that no Weaviate says: told in one line, in bounded time and memory."""

import subprocess
import sys
from itertools import islice
from typing import Any

import grpc
import pytest
from weaviate.collections import Collection
from weaviate.proto.v1 import base_pb2, properties_pb2, search_get_pb2

from weaviate_migration.base.errors import TargetError, UnusableAnswerError
from weaviate_migration.mapping.object_ids import UuidRange
from weaviate_migration.target.answer_limits import LARGEST_PAGE_BYTES
from weaviate_migration.target.connect import connect
from weaviate_migration.target.read_back import objects_by_uuid, objects_in_range, uuids_in_range
from weaviate_migration_tests.target.hostile_server import GrpcAnswer, json_answer, well_at_first

UUID = "00000000-0000-4000-8000-00000000000a"
EVERYTHING = UuidRange(None, None)
PACKED_BYTES = 250_000_000
# In a process of its own, which holds about 100 MB: what another test has used counts here, too.
MEMORY = """
import sys
from pathlib import Path
from weaviate_migration.base.errors import TargetError
from weaviate_migration.target.connect import connect
from weaviate_migration.target.read_back import uuids_present
from weaviate_migration.target.server import ServerAddress

with connect(ServerAddress("127.0.0.1", int(sys.argv[1]), int(sys.argv[2])), None) as client:
    try:
        uuids_present(client.collections.use("Note"), ["00000000-0000-4000-8000-00000000000a"])
    except TargetError as error:
        print(error.message)
    print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


def reply(uuid: str = UUID, count: int = 1, vector: bytes = b"", **values: properties_pb2.Value) -> bytes:
    """An answer to a search: the same object so many times."""
    properties = search_get_pb2.PropertiesResult(non_ref_props=properties_pb2.Properties(fields=values))
    vectors = [base_pb2.Vectors(name="v", vector_bytes=vector)] if vector else []
    metadata = search_get_pb2.MetadataResult(id=uuid, vectors=vectors)
    found = search_get_pb2.SearchResult(metadata=metadata, properties=properties)
    return bytes(search_get_pb2.SearchReply(results=[found] * count).SerializeToString())


def refusal(context: grpc.ServicerContext) -> bytes:
    context.abort(grpc.StatusCode.INTERNAL, "no! " * 1_000 + "\x1b]0;owned\x07")
    return b""


def much_metadata(context: grpc.ServicerContext) -> bytes:
    context.set_trailing_metadata([(f"x-{number}", "y" * 5_000) for number in range(200)])
    return b""


HOSTILE: dict[str, GrpcAnswer] = {
    "no message": lambda _: b"\xff\xfe\x00garbage",
    "a vector of three bytes": lambda _: reply(vector=b"abc"),
    "a list of eleven bytes": lambda _: reply(
        a=properties_pb2.Value(
            list_value=properties_pb2.ListValue(number_values=properties_pb2.NumberValues(values=b"elevenbytes"))
        )
    ),
    "a value that is no UUID": lambda _: reply(a=properties_pb2.Value(uuid_value="no UUID")),
    "a long reason": refusal,
    "much metadata": much_metadata,
    "more than a message may have": lambda _: reply(a=properties_pb2.Value(text_value="x" * 150_000_000)),
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
def test_an_answer_that_is_none(answer: GrpcAnswer) -> None:
    with well_at_first(json_answer({}), answer) as server, connect(server.address, None) as client:
        notes: Collection[Any, Any] = client.collections.use("Note")
        for ask in (
            lambda: objects_by_uuid(notes, [UUID], vectors=["v"]),
            lambda: list(objects_in_range(notes, EVERYTHING, 5, vectors=["v"])),
        ):
            with pytest.raises(TargetError) as raised:
                ask()
            assert "\n" not in raised.value.message
            assert len(raised.value.message) < 1_000


def test_pages_that_come_again_and_again_are_no_end() -> None:
    page = reply(count=5)
    with well_at_first(json_answer({}), lambda _: page) as server, connect(server.address, None) as client:
        walk = uuids_in_range(client.collections.use("Note"), EVERYTHING, 5)
        with pytest.raises(UnusableAnswerError, match="as the last one after"):
            list(islice(walk, 1_000))


@pytest.mark.parametrize(("told", "limit"), [(-1, LARGEST_PAGE_BYTES), (1_000_000, 1_000_000)])
def test_the_server_does_not_say_how_large_its_messages_may_be(told: int, limit: int) -> None:
    large = reply(a=properties_pb2.Value(text_value="x" * limit))
    with well_at_first(json_answer({}), lambda _: large) as server:
        server.answers["/v1/meta"] = json_answer({"version": "1.39.0", "grpcMaxMessageSize": told})
        with (
            connect(server.address, None) as client,
            pytest.raises(TargetError, match=rf"larger than max .* vs\. {limit}"),
        ):
            objects_by_uuid(client.collections.use("Note"), [UUID])


def test_a_packed_message_is_not_unpacked() -> None:
    """A quarter of a megabyte that stands for 250."""
    large = reply(a=properties_pb2.Value(text_value="x" * PACKED_BYTES))

    def packed(context: grpc.ServicerContext) -> bytes:
        context.set_compression(grpc.Compression.Gzip)
        return large

    with well_at_first(json_answer({}), packed) as server:
        ports = [str(server.address.http_port), str(server.address.grpc_port)]
        ended = subprocess.run(
            [sys.executable, "-c", MEMORY, *ports], capture_output=True, text=True, timeout=300, check=True
        )
    message, kilobytes = ended.stdout.splitlines()
    assert message.startswith("reading UUIDs: ")
    assert int(kilobytes) * 1024 < PACKED_BYTES
