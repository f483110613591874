"""Notes in SQLite, behind an API: what is written goes to Weaviate too, and reads are compared with Weaviate's.

Without DUAL_WRITE in the environment it is the application as it was before.
"""

import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import weaviate
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker
from weaviate.classes.init import AdditionalConfig, Timeout
from weaviate.classes.query import Filter
from weaviate.collections import Collection

from weaviate_migration import DualWriter, ShadowReads, compare_reads, create_migration_config

CONFIG = create_migration_config(os.environ.get("WEAVIATE_MIGRATION_SQLITE_URL", "notes.db"), mapping="notes.yaml")
NoteRow = dict[str, Any]


class NoteText(BaseModel):
    """What a caller gives."""

    body: str
    tag: str


class Base(DeclarativeBase):
    """The tables."""


class Note(Base):
    """A note; its id is the UUID of its object in Weaviate."""

    __tablename__ = "notes"
    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: str(uuid4()))
    body: Mapped[str]
    tag: Mapped[str]

    def row(self) -> NoteRow:
        """As plain values, which can be compared in another thread."""
        return {"id": self.id, "body": self.body, "tag": self.tag}


class WeaviateNotes:
    """The notes in Weaviate; the first read connects, so the application starts without it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: weaviate.WeaviateClient | None = None

    def one(self, note_id: str) -> NoteRow | None:
        """The note with this id."""
        found = self._notes().query.fetch_object_by_id(note_id)
        return _row(found.properties) if found else None

    def tagged(self, tag: str) -> list[NoteRow]:
        """The notes with this tag, by id."""
        found = self._notes().query.fetch_objects(filters=Filter.by_property("tag").equal(tag), limit=1_000)
        return sorted((_row(each.properties) for each in found.objects), key=lambda row: str(row["id"]))

    def close(self) -> None:
        """Closes the connection, if there is one."""
        if self._client is not None:
            self._client.close()

    def _notes(self) -> Collection[Any, Any]:
        with self._lock:
            if self._client is None:
                url = urlsplit(CONFIG.weaviate_url)
                self._client = weaviate.connect_to_local(
                    host=str(url.hostname),
                    port=url.port or 80,
                    grpc_port=CONFIG.grpc_port or 50051,
                    additional_config=AdditionalConfig(timeout=Timeout(query=5)),
                )
            return self._client.collections.use("Note")


def _row(properties: Any) -> NoteRow:
    return {"id": properties["noteId"], "body": properties["body"], "tag": properties["tag"]}


engine = create_engine(f"sqlite:///{CONFIG.sqlite_url}")
sessions = sessionmaker(engine)
writer = DualWriter(CONFIG, wait=True, wait_seconds=2.0)
in_weaviate = WeaviateNotes()
reads = ShadowReads(time_limit=5.0)
dual_write = bool(os.environ.get("DUAL_WRITE"))


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Makes the table, and attaches the dual writer for as long as the application runs."""
    Base.metadata.create_all(engine)
    if dual_write:
        writer.attach(engine)
    yield
    writer.close()
    in_weaviate.close()


app = FastAPI(lifespan=lifespan)


@app.post("/notes", status_code=201)
def add(text: NoteText) -> NoteRow:
    """A new note: in SQLite, and, where Weaviate is well, in Weaviate when the answer comes."""
    with sessions.begin() as session:
        note = Note(body=text.body, tag=text.tag)
        session.add(note)
        session.flush()
        return note.row()


@app.put("/notes/{note_id}")
def change(note_id: str, text: NoteText) -> NoteRow:
    """Another text for a note."""
    with sessions.begin() as session:
        note = session.get(Note, note_id)
        if note is None:
            raise HTTPException(404)
        note.body, note.tag = text.body, text.tag
        return note.row()


@app.delete("/notes/{note_id}", status_code=204)
def remove(note_id: str) -> None:
    """Removes a note."""
    with sessions.begin() as session:
        note = session.get(Note, note_id)
        if note is None:
            raise HTTPException(404)
        session.delete(note)


@app.get("/notes/{note_id}")
def one(note_id: str) -> NoteRow:
    """SQLite's answer."""
    if not dual_write:
        found = _one(note_id)
    else:
        found = compare_reads(
            lambda: _one(note_id), lambda: in_weaviate.one(note_id), about=f"note {note_id}", into=reads
        )
    if found is None:
        raise HTTPException(404)
    return found


@app.get("/notes")
def tagged(tag: str) -> list[NoteRow]:
    """SQLite's answer: the notes with this tag, by id."""
    if not dual_write:
        return _tagged(tag)
    return compare_reads(lambda: _tagged(tag), lambda: in_weaviate.tagged(tag), about=f"tag {tag}", into=reads)


@app.get("/dual-write")
def state() -> dict[str, Any]:
    """What the dual writer has done in this process, and what the comparisons of reads found."""
    return {"writer": asdict(writer.counters), "reads": reads.report().to_dict()}


def _one(note_id: str) -> NoteRow | None:
    with sessions() as session:
        note = session.get(Note, note_id)
        return note.row() if note else None


def _tagged(tag: str) -> list[NoteRow]:
    with sessions() as session:
        return [note.row() for note in session.scalars(select(Note).where(Note.tag == tag).order_by(Note.id))]
