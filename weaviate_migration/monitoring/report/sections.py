"""What the document says: the sections, in the order in which a reader asks for them."""

from collections.abc import Iterator

from weaviate_migration.base.texts import seconds_text, size_text, time_text
from weaviate_migration.monitoring.report.check_sections import certificate_section, checklist_section, checks_section
from weaviate_migration.monitoring.report.document import Bars, Document, Lines, Section, Table, Verdict
from weaviate_migration.monitoring.report.facts import MigrationReport
from weaviate_migration.monitoring.report.query_section import queries_sections
from weaviate_migration.monitoring.report.search_section import search_sections
from weaviate_migration.monitoring.report.trouble_sections import alerts_section, audit_section, errors_section
from weaviate_migration.work_folder.phase import Phase
from weaviate_migration.work_folder.timeline import LagMoment, LoadMoment

_DONE = (Phase.CUT_OVER, Phase.CLEANED_UP)


def document_of(report: MigrationReport) -> Document:
    """The report as a document."""
    return Document(
        title=f"Migration {report.record.id}" if report.record else "Migration that did not begin",
        verdict=_verdict(report),
        summary=_summary(report),
        figures=tuple(_labelled_figures(report)),
        sections=(
            _next_section(report),
            _what_section(report),
            _time_section(report),
            _rows_section(report),
            *_vectors_sections(report),
            errors_section(report),
            audit_section(report),
            checks_section(report),
            *search_sections(report),
            *queries_sections(report),
            certificate_section(report),
            _lag_section(report),
            _switch_section(report),
            checklist_section(report),
            alerts_section(report),
        ),
    )


def _verdict(report: MigrationReport) -> Verdict:
    if report.phase in _DONE:
        return Verdict(report.phase)
    if report.failures and report.failures[-1].run_id == report.runs[-1].run_id:
        return Verdict("failed")
    return Verdict(report.phase if report.phase is Phase.ROLLED_BACK else "unfinished")


def _summary(report: MigrationReport) -> str:
    if report.record is None:
        return "It was stopped before anything was made in Weaviate."
    written = _in_weaviate(report)
    rows = _rows(report)
    checked = "every blocking check passed" if report.checks.success else "not every blocking check passed"
    removed = report.record.state == "discarded"
    where = "were in Weaviate before its collections were removed" if removed else "are in Weaviate"
    return f"{written:,} of {rows:,} rows {where}; {checked}."


def _labelled_figures(report: MigrationReport) -> Iterator[tuple[str, str]]:
    rows = _rows(report)
    yield "Rows", f"{rows:,}"
    yield "Objects written", f"{_in_weaviate(report):,}"
    yield "In the quarantine", f"{report.refused:,}"
    passed = sum(each.status == "passed" for each in report.checks.outcomes)
    yield "Checks passed", f"{passed:,} of {len(report.checks.outcomes):,}"
    yield "Working time", seconds_text(sum(each.seconds for each in report.phases))


def _rows(report: MigrationReport) -> int:
    return sum(each.tally.rows for each in report.collections)


def _in_weaviate(report: MigrationReport) -> int:
    return sum(each.tally.written + each.tally.changed for each in report.collections)


def _next_section(report: MigrationReport) -> Section:
    rows = tuple((each.who, each.what) for each in report.next_steps)
    return Section("What to do next", tables=(Table("Who does what", ("who", "what"), rows),))


def _what_section(report: MigrationReport) -> Section:
    rows = tuple((name, value) for name, value in _facts(report) if value)
    runs = tuple(
        (time_text(each.began_at), time_text(each.ended_at), each.job, Verdict(each.status), each.run_id)
        for each in report.runs
    )
    tables = (
        Table("The migration", ("what", "value"), rows),
        Table("Runs of it", ("began", "ended", "job", "status", "run"), runs),
    )
    return Section("What was migrated", tables=tuple(each for each in tables if each.rows))


def _facts(report: MigrationReport) -> Iterator[tuple[str, str]]:
    yield "from", report.source
    yield "to", report.target
    yield "mapping", f"{report.mapping_name}, SHA-256 {report.mapping_digest}"
    yield "began", time_text(report.began_at)
    yield "ended", time_text(report.ended_at)
    if (record := report.record) is None:
        return
    yield "state", record.state
    yield "prefix", record.prefix
    yield "replicas", ", ".join(f"{replicas} of {name}" for name, replicas in record.replicas.items())
    if (snapshot := record.snapshot) is not None:
        yield "snapshot", f"{snapshot.path}, {size_text(snapshot.bytes)}, taken {time_text(snapshot.taken_at)}"
        yield "its SHA-256", snapshot.sha256
        followed = snapshot.captured is not None
        yield "changes after it", "captured and applied" if followed else "not followed: the source was to rest"


def _time_section(report: MigrationReport) -> Section:
    if not report.phases:
        return Section("How long it took", ("No step has ended.",))
    told = (
        f"From the beginning of the first run to the end of the last one: {seconds_text(_whole_seconds(report))}. What "
        "is not in a phase is what runs do between their steps, and the time between runs."
    )
    chart = Bars("Seconds of each phase", "seconds", {each.name: each.seconds for each in report.phases})
    rows = tuple((each.name, each.steps, seconds_text(each.seconds)) for each in report.phases)
    sentences = (told,) if report.ended_at else ("A run is under way.",)
    return Section("How long it took", sentences, (chart,), (Table("Phases", ("phase", "steps", "time"), rows),))


def _whole_seconds(report: MigrationReport) -> float | None:
    if report.began_at is None or report.ended_at is None:
        return None
    return (report.ended_at - report.began_at).total_seconds()


def _rows_section(report: MigrationReport) -> Section:
    if not _rows(report):
        return Section("Rows and throughput", ("Nothing was loaded.",))
    rows = tuple(
        (
            *(each.alias, each.table, tally.rows, tally.written, tally.changed, tally.refused, tally.retried),
            *(size_text(tally.sent_bytes), seconds_text(tally.seconds), tally.rows_per_second),
        )
        for each in report.collections
        for tally in [each.tally]
    )
    headings = (
        *("collection", "table", "rows", "written", "changed since", "refused", "sent again"),
        *("sent", "time", "objects a second"),
    )
    return Section("Rows and throughput", (), tuple(_row_charts(report)), (Table("Collections", headings, rows),))


def _vectors_sections(report: MigrationReport) -> Iterator[Section]:
    """What it took to make vectors; none where no model makes any."""
    rows = tuple(
        (
            *(each.alias, name, tally.model, tally.dimension, tally.texts, tally.hits, tally.misses, tally.left_out),
            *(tally.calls, tally.tokens, seconds_text(tally.seconds), tally.money),
        )
        for each in report.collections
        for name, tally in each.vectors.items()
    )
    headings = (
        *("collection", "vector", "model", "numbers", "texts", "from the cache", "made", "left out"),
        *("calls", "tokens", "time", "price"),
    )
    if rows:
        yield Section("Vectors that models made", (), (), (Table("Vectors", headings, rows),))


def _row_charts(report: MigrationReport) -> Iterator[Bars | Lines]:
    yield Bars("Rows of each collection", "rows", {each.alias: each.tally.rows for each in report.collections})
    rates = {each.alias: each.tally.rows_per_second for each in report.collections}
    if known := {alias: rate for alias, rate in rates.items() if rate}:
        yield Bars("Objects written a second", "objects a second", known)
    moments = [each for each in report.history if isinstance(each, LoadMoment)]
    lines: dict[str, list[tuple[float, float]]] = {}
    for each in moments:
        lines.setdefault(each.collection, []).append((each.at - moments[0].at, float(each.handled)))
    if lines:
        yield Lines("Rows handled over time", "rows", {name: tuple(line) for name, line in lines.items()})


def _lag_section(report: MigrationReport) -> Section:
    moments = [each for each in report.history if isinstance(each, LagMoment)]
    if not moments:
        return Section("Lag behind the source", ("Changes of the source were not followed.",))
    since = moments[0].at
    changes = tuple((each.at - since, float(each.changes)) for each in moments)
    seconds = tuple((each.at - since, each.seconds) for each in moments)
    last = moments[-1]
    told = (
        f"At most {max(each.changes for each in moments):,} changes and "
        f"{seconds_text(max(each.seconds for each in moments))} behind; at the last look "
        f"{last.changes:,} changes and {seconds_text(last.seconds)}."
    )
    charts = (
        Lines("Changes that were not applied yet", "changes", {"changes": changes}),
        Lines("Age of the oldest of them", "seconds", {"seconds": seconds}),
    )
    return Section("Lag behind the source", (told,), charts)


def _switch_section(report: MigrationReport) -> Section:
    record = report.record
    if record is None or record.cutover is None:
        return Section("The switch", ("The aliases were not moved.",))
    journal = record.cutover
    took = f" It took {seconds_text(journal.switch_seconds)} to move all of them." if journal.switch_seconds else ""
    position = f" Changes were applied up to position {journal.position:,}." if journal.position is not None else ""
    told = f"The last step that was reached: {journal.step}.{took}{position}"
    steps = tuple((name, time_text(at)) for name, at in journal.reached.items())
    aliases = tuple(
        (alias, now, record.previous_aliases.get(alias) or "nothing") for alias, now in record.targets.items()
    )
    tables = [Table("Steps", ("step", "reached"), steps)]
    if record.previous_aliases:
        tables.append(Table("Aliases", ("alias", "this migration's collection", "pointed before at"), aliases))
    return Section("The switch", (told,), (), tuple(tables))
