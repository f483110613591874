"""The same messages through dlt's Weaviate destination, as a process of its own.

dlt's own defaults, but for what makes it faster: the Arrow backend, and no vectorizer. Its telemetry is off.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measurement import MeasuredCommandError, Measurement, Server, python_command, timed_command
from weaviate_migration.base.settings import API_KEY_VARIABLE

COLLECTION = "Dlt_Messages"


def measure_dlt(server: Server, source: Path, rows: int) -> Measurement:
    """One run; its collections are gone afterwards."""
    ports = server.address.http_port, server.address.grpc_port
    try:
        ended = timed_command(python_command("benchmarks.dlt_pipeline", source, *ports), server=server)
        loaded = len(server.client.collections.use(COLLECTION))
    finally:
        server.clear()
    if loaded != rows:
        raise MeasuredCommandError(f"dlt loaded {loaded} of {rows} messages.")
    return Measurement(ended.seconds, ended.cpu_seconds)


def main(source: str, http_port: str, grpc_port: str) -> None:
    """Loads the table `messages` of this SQLite file into the server at these ports of this machine."""
    import dlt
    from dlt.sources.sql_database import sql_table

    dlt.config["runtime.dlthub_telemetry"] = False
    destination = dlt.destinations.weaviate(
        vectorizer="none",
        module_config={},
        connection_type="custom",
        credentials={
            "url": "http://127.0.0.1",
            "http_port": int(http_port),
            "grpc_port": int(grpc_port),
            "api_key": os.environ[API_KEY_VARIABLE],
        },
    )
    with TemporaryDirectory() as folder:
        pipeline = dlt.pipeline("messages", pipelines_dir=folder, destination=destination, dataset_name="Dlt")
        table = sql_table(credentials=f"sqlite:///{source}", table="messages", backend="pyarrow")
        pipeline.run(table, write_disposition="append").raise_on_failed_jobs()


if __name__ == "__main__":
    main(*sys.argv[1:])
