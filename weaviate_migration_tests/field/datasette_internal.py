"""The internal file of Datasette: its catalog of a database that it serves."""

import asyncio
from pathlib import Path

from datasette.app import Datasette
from sqlite_utils import Database


def make(file: Path) -> None:
    served = file.with_name("served.db")
    Database(served).table("dogs").insert_all(({"id": number, "name": f"Dog {number}"} for number in range(5)), pk="id")
    Database(served).table("dogs").enable_fts(["name"])
    asyncio.run(_serve(file, served))


def write_more(file: Path) -> None:
    served = file.with_name("served.db")
    Database(served).table("cats").insert(
        {"id": 1, "name": "Cat", "dog": 2}, pk="id", foreign_keys=[("dog", "dogs", "id")]
    )
    asyncio.run(_serve(file, served))


async def _serve(file: Path, served: Path) -> None:
    """What Datasette does when it starts and is asked for its first page."""
    datasette = Datasette([str(served)], internal=str(file))
    await datasette.invoke_startup()
    answer = await datasette.client.get("/served.json")
    assert answer.status_code == 200, answer.text
    for database in (*datasette.databases.values(), datasette.get_internal_database()):
        database.close()
