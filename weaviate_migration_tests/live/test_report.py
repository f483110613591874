"""The report of a migration: what it says of one that succeeded, of rows that were refused, and of one that failed."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from markdown_it import MarkdownIt

from weaviate_migration import read_migration_report
from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.defs.build import build_definitions
from weaviate_migration.monitoring.report import MigrationReport, html_page, markdown_page
from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.checklist import Checklist, ChecklistItem
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.phase import Phase
from weaviate_migration_tests.live.command_line import Ended, at, empty, run_here
from weaviate_migration_tests.live.notes import NoteMigration, add_notes, make_mapping, note_file
from weaviate_migration_tests.live.test_dagster_runs import materialize

SECTIONS = [
    *("What to do next", "What was migrated", "How long it took", "Rows and throughput", "Errors"),
    *("What the audit found", "Checks", "What searches find", "Certificate", "Lag behind the source", "The switch"),
    *("Checklists", "Alerts"),
]
CHECKS = ("count", "every_object", "uuids", "types", "sample", "search", "writable")
SECRET = "canary-of-the-omitted-column"
KEY = "canary-of-the-api-key"
SCRIPT = f"<script>alert('&')</script> | `x` {KEY}"
EMPTY = ("meta", "link", "br", "img", "input", "hr")


@dataclass
class Page(HTMLParser):
    """A page as a browser has it; its parts are balanced, and it asks for nothing from elsewhere."""

    source: str
    text: str = ""
    headings: list[str] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)
        if tag in ("h1", "h2"):
            self.headings.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings[-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def links(self) -> list[str]:
        names = ("src", "href", "xlink:href", "action", "data", "srcset")
        return [value for _, found in self.tags for name, value in found.items() if name in names and value]


@dataclass(frozen=True)
class Reported:
    """A migration, what its report says, and both as which it was written."""

    notes: NoteMigration
    report: MigrationReport
    page: Page
    markdown: str

    @classmethod
    def of(cls, notes: NoteMigration) -> "Reported":
        report = read_migration_report(notes.config)
        return cls(notes, report, Page(html_page(report)), markdown_page(report))

    @property
    def todo(self) -> str:
        return "\n".join(each.what for each in self.report.next_steps)


def fresh(folder: Path, server: ServerAddress, more: str = "") -> NoteMigration:
    notes = NoteMigration(folder, server)
    make_mapping(notes.mapping, more)
    with connect(server, None) as client:
        empty(client)
    return notes


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, server: ServerAddress) -> Reported:
    """One that was followed, cut over and verified, with both checklists; one column is left out as a secret."""
    notes = fresh(tmp_path_factory.mktemp("done"), server, "omit: {password: a secret}")
    note_file(notes.source)
    with closing(sqlite3.connect(notes.source)) as connection, connection:
        connection.execute("ALTER TABLE notes ADD COLUMN password TEXT")
        connection.execute("UPDATE notes SET password = ?", (SECRET,))
        connection.execute("UPDATE notes SET created_at = ? WHERE size = 3", ("not a date",))
    ended = notes.migrate("--live")
    assert ended.code == 0, ended.stderr
    ended = run_here("verify", "--mapping", notes.mapping, "--work-dir", notes.work_dir, *at(server))
    assert ended.code == 0, ended.stderr
    Checklist.of("preflight", [ChecklistItem("disk", "warned", "3.1 GB are free", "Make room.")]).save(
        WorkFolder(notes.work_dir).store
    )
    Checklist.of("postflight", [ChecklistItem("counts", "passed", "64 of 64")]).save(WorkFolder(notes.work_dir).store)
    return Reported.of(notes)


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory, server: ServerAddress) -> Reported:
    """One with rows in the quarantine: two share a key that looks like markup, and holds what is a secret elsewhere."""
    notes = fresh(tmp_path_factory.mktemp("refused"), server, "key: [id]")
    note_file(notes.source, table="CREATE TABLE notes (id VARCHAR, body TEXT, size INTEGER, created_at DATETIME)")
    add_notes(notes.source, [(SCRIPT, "twice", 1, None), (SCRIPT, "twice", 2, None)])
    ended = notes.migrate()
    assert ended.code == 3, ended.stderr
    return Reported.of(notes)


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory, server: ServerAddress) -> Reported:
    """One after a success that its audit stopped: nearly no row has a key."""
    notes = fresh(tmp_path_factory.mktemp("failed"), server, "key: [id]")
    note_file(notes.source, rows=1, table="CREATE TABLE notes (id, body TEXT, size INTEGER, created_at DATETIME)")
    add_notes(notes.source, [(None, "no key", number, None) for number in range(9)])
    ended = notes.migrate()
    assert ended.code == 3, ended.stderr
    return Reported.of(notes)


def test_all_is_in_both_documents(done: Reported) -> None:
    assert done.page.headings == [f"Migration {done.report.record and done.report.record.id}", *SECTIONS]
    for text in (done.page.text, done.markdown.replace("\\", "")):
        assert "of what SQLite's full-text search finds in body" in text
        assert all(
            name in text for name in (*CHECKS, "Note", "notes", str(done.notes.source), "passed, 16/16 partitions")
        )
        assert all(name in text for name in ("audit", "extract", "load", "checks", "cutover", "capture"))
    html = MarkdownIt("commonmark").enable("table").render(done.markdown)
    assert html.count("<h2>") == len(SECTIONS)
    assert html.count("<table>") == done.page.source.count("<table>")


def test_the_page_needs_nothing_from_elsewhere(done: Reported) -> None:
    assert [link for link in done.page.links() if not link.startswith("#")] == []
    assert "url(http" not in done.page.source
    assert "@import" not in done.page.source
    assert done.page.all("script") == done.page.all("iframe") == []
    ids = [found["id"] for _, found in done.page.tags if "id" in found]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in done.page.links()} <= set(ids)


def test_the_page_can_be_read_by_everybody(done: Reported) -> None:
    assert done.page.all("html") == [{"lang": "en"}]
    assert any(found.get("name") == "viewport" for found in done.page.all("meta"))
    assert len(done.page.all("figure")) == len(done.page.all("svg")) == 6
    assert all(found["aria-label"] for found in done.page.all("figure"))
    assert all(part in done.page.source for part in ("@media print", "prefers-color-scheme: dark"))


def test_figures_of_a_migration_that_succeeded(done: Reported) -> None:
    report = done.report
    (note,) = report.collections
    tally = note.tally
    assert (note.alias, note.table, tally.rows, tally.written, tally.refused) == ("Note", "notes", 64, 64, 0)
    assert tally.rows_per_second
    assert (report.phase, report.failures, report.quarantine) == ("cut over", (), ())
    assert [each.job for each in report.runs] == ["migrate_live", "verify_live"]
    assert {each.name for each in report.phases} >= {
        "capture",
        "audit",
        "schema",
        "snapshot",
        "load",
        "checks",
        "cutover",
    }
    assert all(each.seconds > 0 for each in report.phases)
    assert report.checks.success
    assert report.certificate is not None
    assert report.certificate["collections"]["Note"]["source_digest"] in done.page.text
    assert "100 % of rows and columns compared" in done.page.text


@pytest.mark.parametrize("damaged", ["{", "{}"])
def test_a_certificate_that_is_damaged_is_none(done: Reported, damaged: str) -> None:
    path = done.notes.work_dir / "certificate.json"
    whole = path.read_bytes()
    try:
        path.write_text(damaged, encoding="utf-8")
        assert read_migration_report(done.notes.config).certificate is None
    finally:
        path.write_bytes(whole)


def test_what_is_told_of_audit_switch_lag_and_checklists(done: Reported) -> None:
    record = done.report.record
    assert record is not None
    assert f"Note_{record.id}" in done.page.text
    assert "text that is no date" in done.page.text
    assert "the property is left out; the value is kept verbatim" in done.page.text
    assert "notes.password" in done.page.text
    assert "At most " in done.page.text
    assert "3.1 GB are free" in done.page.text
    assert "Make room." in done.todo
    assert "`weaviate-migration sync --follow`" in done.todo
    assert "`weaviate-migration cleanup`" in done.todo


def test_rows_in_the_quarantine_are_told_as_text(refused: Reported) -> None:
    (found,) = refused.report.quarantine
    assert (found.alias, found.category, found.rows) == ("Note", "conversion", 2)
    assert refused.page.all("script") == []
    assert SCRIPT.replace("`", "") in refused.page.text
    assert SCRIPT in MarkdownIt("commonmark").enable("table").render(refused.markdown).replace("&lt;", "<").replace(
        "&gt;", ">"
    ).replace("&amp;", "&")
    assert "<script>" not in MarkdownIt("commonmark").enable("table").render(refused.markdown)
    assert "2 rows of Note are in the quarantine" in refused.todo
    assert "failed, 15/16 partitions" in refused.page.text or "failed, 14/16 partitions" in refused.page.text
    assert refused.report.failures[-1].is_check
    assert "unfinished" in refused.page.text


def test_of_a_migration_that_its_audit_stopped(failed: Reported) -> None:
    report = failed.report
    assert (report.record, report.phase, report.collections) == (None, "not begun", ())
    nothing_searched = [each for each in SECTIONS if each != "What searches find"]
    assert failed.page.headings == ["Migration that did not begin", *nothing_searched]
    assert report.failures[0].step == "source_audit"
    assert "NULL in the key" in failed.page.text
    assert "Nothing was loaded." in failed.page.text
    assert len(failed.page.all("figure")) <= 1


def test_of_a_migration_that_was_given_up(refused: Reported) -> None:
    """As a migration leaves it that failed: what it had made is removed."""
    assert refused.report.record is not None
    discarded = refused.report.record.model_copy(update={"state": "discarded"})
    page = Page(html_page(replace(refused.report, record=discarded, phase=Phase.ROLLED_BACK)))
    assert "64 of 66 rows were in Weaviate before its collections were removed" in page.text


def test_no_secret_is_in_it(done: Reported, refused: Reported) -> None:
    for option in ("--html", "--markdown"):
        for each in (done, refused):
            shown = report_command(each.notes, option, "-", "--api-key", KEY).stdout
            assert "# Migration " in shown or "<h1>Migration " in shown
            assert SECRET not in shown
            assert KEY not in shown
    assert SECRET not in json.dumps(done.report.to_dict())
    assert KEY not in report_command(refused.notes, "--json", "--api-key", KEY).stdout


def report_command(notes: NoteMigration, *more: object) -> Ended:
    return run_here("report", "--mapping", notes.mapping, "--work-dir", notes.work_dir, *more)


def test_the_command(done: Reported, tmp_path: Path) -> None:
    page, text = tmp_path / "a.html", tmp_path / "a.md"
    ended = report_command(done.notes, "--html", page, "--markdown", text)
    assert (ended.code, ended.stdout.splitlines()) == (0, [f"Report: {page}", f"Report: {text}"])
    assert Page(page.read_text(encoding="utf-8")).headings == done.page.headings
    assert text.read_text(encoding="utf-8").startswith("# Migration ")
    assert report_command(done.notes, "--markdown", "-").stdout.startswith("# Migration ")
    found: dict[str, Any] = report_command(done.notes, "--json").json
    assert (found["phase"], found["quarantine"], found["collections"][0]["rows"]) == ("cut over", [], 64)
    assert found["checks"]["success"]


def test_without_a_file_it_is_in_the_work_folder(failed: Reported) -> None:
    ended = report_command(failed.notes)
    assert (ended.code, ended.stdout) == (0, f"Report: {failed.notes.work_dir / 'report.html'}\n")
    assert Page((failed.notes.work_dir / "report.html").read_text(encoding="utf-8")).headings == failed.page.headings


def test_what_cannot_be_reported(tmp_path: Path) -> None:
    ended = run_here("report", "--work-dir", tmp_path / "nothing")
    assert (ended.code, ended.stderr.splitlines()[1:]) == (
        2,
        ["`weaviate-migration migrate` begins a migration; --work-dir names another folder."],
    )
    ended = run_here("report", "--work-dir", tmp_path, "--json", "--html", "-")
    assert (ended.code, "standard output" in ended.stderr) == (2, True)


def test_the_asset(done: Reported) -> None:
    """After the cutover in the UI's jobs; what it cannot do fails nothing."""
    definitions = build_definitions(done.notes.config)
    page = done.notes.work_dir / "report.html"
    with dagster_instance(done.notes.work_dir) as instance:
        assert materialize(definitions, instance, "migration_report", first="00", last="15").success
        found = instance.get_latest_materialization_event(dg.AssetKey("migration_report"))
        assert found is not None
        assert found.asset_materialization is not None
        metadata = found.asset_materialization.metadata
        assert metadata["page"].value == str(page)
        assert str(metadata["report"].value).startswith("# Migration ")
        assert Page(page.read_text(encoding="utf-8")).headings == done.page.headings
        page.unlink()
        page.mkdir()  # It cannot be written.
        try:
            assert materialize(definitions, instance, "migration_report", first="00", last="15").success
            again = instance.get_latest_materialization_event(dg.AssetKey("migration_report"))
            assert again is not None
            assert again.run_id == found.run_id
        finally:
            page.rmdir()
    assert WorkFolder(done.notes.work_dir).records.current().state == "cut over"


def test_the_jobs_end_with_it() -> None:
    definitions = build_definitions(create_migration_config("app.db"))
    for job in ("migrate", "migrate_live", "cut_over"):
        keys = definitions.resolve_job_def(job).asset_layer.executable_asset_keys
        assert dg.AssetKey("migration_report") in keys
    graph = definitions.resolve_asset_graph()
    assert graph.get(dg.AssetKey("migration_report")).parent_keys == {dg.AssetKey("cutover")}
