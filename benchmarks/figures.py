"""The figures: which runs each is made from, how, and what it should be."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks.follow_latency import CHANGES_PER_SECOND
from benchmarks.measurement import Measurement
from benchmarks.vector_indexes import INDEXES

Runs = Mapping[str, Sequence[Measurement]]

# With every check on: the full comparison reads all back.
MAX_UPLOAD = 1.35
MAX_UPLOAD_CPU = 1.2
# Of our own process, for a row.
MAX_LOAD_CPU_MICROSECONDS = 30
MAX_FIXED = 0.6
MAX_EVENT_CPU_MILLISECONDS = 1.5
MIN_DLT = 1.6
MIN_MILLION = 0.95
MAX_VERIFY = 0.5
# Of both sides, for a row.
MAX_VERIFY_CPU_MICROSECONDS = 25
MAX_PARALLEL_EXTRA_SECONDS = 3
MAX_PARALLEL = 1.0
# Two cores, which the server shares: a second worker may fill what one leaves, a third may not cost much.
MAX_WORKERS = {2: 1.0, 3: 1.1}
MAX_DEMO_SECONDS = 8
MAX_FORTY_TABLES_SECONDS = 25
MAX_FORETOLD = 1.5
MAX_START_SECONDS = 3
MAX_HELP_CPU_SECONDS = 0.15
MAX_MEMORY_MB = 400
MAX_MEMORY_GROWTH = 1.10
MAX_AFTER_KILL = 1.2
MAX_AUDIT = 12.0
MAX_CAPTURED_COMMIT = 1.45
MAX_CAPTURED_TRANSACTION = 1.35
MAX_MEDIAN_LATENCY_SECONDS = 0.5
MAX_P99_LATENCY_SECONDS = 2.0
MAX_MEASURING = 1.03
MAX_VECTOR_LOAD = 1.25
MAX_EMBEDDING = 1.1
MAX_SECOND_MIGRATION = 0.5
MIN_RECALL = 0.95
MIN_CONTAINMENT = 1.0
LARGER = 4
MILLION = 1_000_000


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    measured: str
    value: str
    target: str
    met: bool


@dataclass(frozen=True)
class Subject:
    """Something that is measured.

    Attributes:
        needs: the names of the runs that its figures are made from.
        figures: makes them.
    """

    needs: tuple[str, ...]
    figures: Callable[[Runs], list[Figure]]


def median_seconds(runs: Sequence[Measurement]) -> float:
    """The median of their seconds."""
    return median(run.seconds for run in runs)


def median_cpu(runs: Sequence[Measurement]) -> float:
    """The median of their CPU seconds."""
    return median(run.cpu_seconds for run in runs)


def _at_most(name: str, measured: str, ratio: float, limit: float) -> Figure:
    return Figure(name, measured, f"{ratio:.2f}", f"at most {limit:g}", ratio <= limit)


def _at_least(name: str, measured: str, share: float, limit: float, digits: int = 2) -> Figure:
    return Figure(name, measured, f"{share:.{digits}f}", f"at least {limit:g}", share >= limit)


def _upload(runs: Runs) -> list[Figure]:
    return [
        _upload_ratio("migrate / upper bound", runs, median_seconds, MAX_UPLOAD),
        _upload_ratio("the same by CPU of both sides", runs, median_cpu, MAX_UPLOAD_CPU),
    ]


def _upload_ratio(name: str, runs: Runs, of: Callable[[Sequence[Measurement]], float], limit: float) -> Figure:
    empty, migrate = of(runs["empty"]), of(runs["migrate"])
    # What the same upload takes changes within the hour, so it is measured on both sides of what it is compared with.
    bound = of([*runs["bound"], *runs["bound again"]])
    measured = f"({migrate:.1f} s - {empty:.1f} s on empty tables) / {bound:.1f} s"
    return _at_most(name, measured, (migrate - empty) / bound, limit)


def _fixed(runs: Runs) -> list[Figure]:
    empty, job = median_seconds(runs["empty"]), median_seconds(runs["empty job"])
    ours, theirs = runs["empty"][-1].events, runs["empty job"][-1].events
    events = f"{sum(ours.values())} and {sum(theirs.values())} events"
    differing = sorted(kind for kind in {*ours, *theirs} if ours.get(kind) != theirs.get(kind))
    agree = "the same of each type" if not differing else f"differing: {', '.join(differing)}"
    measured = f"{empty:.1f} s / {job:.1f} s; {events}, {agree}"
    return [_at_most("empty tables / empty Dagster job", measured, empty / job, MAX_FIXED)]


def _storage(runs: Runs) -> list[Figure]:
    ours, theirs = (_cpu_milliseconds_an_event(runs[name]) for name in ("empty job, our storage", "empty job"))
    measured = f"the empty job; {theirs:.2f} ms with Dagster's own storage"
    return [_up_to("CPU for an event", measured, ours, MAX_EVENT_CPU_MILLISECONDS, "ms")]


def _cpu_milliseconds_an_event(runs: Sequence[Measurement]) -> float:
    return median_cpu(runs) * 1000 / sum(runs[-1].events.values())


def _dlt(runs: Runs) -> list[Figure]:
    dlt, migrate = median_seconds(runs["dlt"]), median_seconds(runs["migrate"])
    measured = f"{dlt:.1f} s / {migrate:.1f} s, both in full"
    return [_at_least("dlt / migrate", measured, dlt / migrate, MIN_DLT)]


def _memory(runs: Runs) -> list[Figure]:
    small, large = (max(run.peak_memory_mb for run in runs[name]) for name in ("migrate", "migrate larger"))
    measured = f"{small:.0f} MB, with {LARGER} times the rows {large:.0f} MB"
    peak = max(small, large)
    return [
        Figure("peak memory", measured, f"{peak:.0f} MB", f"under {MAX_MEMORY_MB} MB", peak < MAX_MEMORY_MB),
        _at_most(f"peak memory with {LARGER} times the rows / with them", measured, large / small, MAX_MEMORY_GROWTH),
    ]


def _verify(runs: Runs) -> list[Figure]:
    whole, empty = (median_seconds(runs[name]) for name in ("verify", "verify empty"))
    walk = median(run.reference_seconds for run in runs["verify"])
    measured = f"({whole:.1f} s - {empty:.1f} s on empty tables) / {walk:.1f} s"
    cpu, empty_cpu, rows = median_cpu(runs["verify"]), median_cpu(runs["verify empty"]), runs["verify"][0].rows
    measured_cpu = f"({cpu:.1f} s - {empty_cpu:.1f} s on empty tables) / {rows:,} rows"
    a_row = (cpu - empty_cpu) / rows * 1e6
    return [
        _at_most("verify / the client's iterator", measured, (whole - empty) / walk, MAX_VERIFY),
        _up_to("CPU of both sides to verify a row", measured_cpu, a_row, MAX_VERIFY_CPU_MICROSECONDS, "us"),
    ]


def _parallel(runs: Runs) -> list[Figure]:
    empty, empty_parallel, six, six_parallel = (
        median_seconds(runs[name]) for name in ("empty", "empty parallel", "six tables", "six tables parallel")
    )
    return [
        _up_to(
            "--parallel less without, on empty tables",
            f"{empty_parallel:.1f} s - {empty:.1f} s",
            empty_parallel - empty,
            MAX_PARALLEL_EXTRA_SECONDS,
            "s",
        ),
        _at_most(
            "--parallel / without, six tables of 20,000 rows",
            f"{six_parallel:.1f} s / {six:.1f} s",
            six_parallel / six,
            MAX_PARALLEL,
        ),
    ]


def _million(runs: Runs) -> list[Figure]:
    empty, small, large = (median_seconds(runs[name]) for name in ("empty", "migrate", "migrate a million"))
    rows, many = runs["migrate"][0].rows, MILLION
    rates = [rows / (small - empty), many / (large - empty)]
    ratio = rates[1] / rates[0]
    measured = f"{rates[1]:,.0f} / {rates[0]:,.0f}, both less {empty:.1f} s on empty tables"
    raw = [rows / median_seconds(runs["bound"]), many / median_seconds(runs["bound of a million"])]
    of_raw = f"{ratio:.2f} / {raw[1] / raw[0]:.2f}, raw uploads: {raw[1]:,.0f} / {raw[0]:,.0f}"
    memory = [max(run.peak_memory_mb for run in runs[name]) for name in ("migrate", "migrate a million")]
    of_memory = f"{memory[0]:.0f} MB, with a million rows {memory[1]:.0f} MB"
    return [
        _at_least("rows a second, of a million / fewer", measured, ratio, MIN_MILLION),
        _at_least("the same / that of raw uploads", of_raw, ratio / (raw[1] / raw[0]), MIN_MILLION),
        _at_most("peak memory with a million rows / with fewer", of_memory, memory[1] / memory[0], MAX_MEMORY_GROWTH),
    ]


def _workers(runs: Runs) -> list[Figure]:
    seconds = {workers: median_seconds(runs[workers_run(workers)]) for workers in (1, *MAX_WORKERS)}
    return [
        _at_most(
            f"{workers} workers / one, six tables of 20,000 rows",
            f"{seconds[workers]:.1f} s / {seconds[1]:.1f} s, steps in processes",
            seconds[workers] / seconds[1],
            limit,
        )
        for workers, limit in MAX_WORKERS.items()
    ]


def workers_run(workers: int) -> str:
    """The name of the runs with so many workers."""
    return f"workers: {workers}"


def _demo(runs: Runs) -> list[Figure]:
    name = "migration of the demo's file"
    return [_up_to(name, "with the server's start", median_seconds(runs["demo"]), MAX_DEMO_SECONDS, "s")]


def _tables(runs: Runs) -> list[Figure]:
    seconds = median_seconds(runs["forty tables"])
    return [_up_to("migration of 40 tables of 25 rows", "", seconds, MAX_FORTY_TABLES_SECONDS, "s")]


def _foretold(runs: Runs) -> list[Figure]:
    return [_foretold_ratio(name, runs[f"foretold {name}"]) for name in ("demo", "forty tables", "messages")]


def _foretold_ratio(name: str, runs: Sequence[Measurement]) -> Figure:
    foretold, taken = median(run.reference_seconds for run in runs), median_seconds(runs)
    measured = f"foretold {foretold:.1f} s, taken {taken:.1f} s"
    return _at_most(
        f"preflight's time, {name}, wrong by", measured, max(foretold, taken) / min(foretold, taken), MAX_FORETOLD
    )


def _starts(runs: Runs) -> list[Figure]:
    names = {"server": "embedded server until it is ready", "server again": "the same on a folder with its data"}
    return [_up_to(names[run], "", median_seconds(runs[run]), MAX_START_SECONDS, "s") for run in names]


def _help(runs: Runs) -> list[Figure]:
    return [_up_to("--help", "CPU, Python's start included", median_cpu(runs["help"]), MAX_HELP_CPU_SECONDS, "s")]


def _killed(runs: Runs) -> list[Figure]:
    after, migrate = median_seconds(runs["after kill"]), median_seconds(runs["migrate"])
    measured = f"{after:.1f} s / {migrate:.1f} s"
    return [_at_most("the whole command after one killed halfway / migrate", measured, after / migrate, MAX_AFTER_KILL)]


def _audit(runs: Runs) -> list[Figure]:
    audit, fetch = median_seconds(runs["audit"]), median_seconds(runs["fetch"])
    return [_at_most("audit / fetching the same rows", f"{audit:.2f} s / {fetch:.2f} s", audit / fetch, MAX_AUDIT)]


def _capture(runs: Runs) -> list[Figure]:
    commits, transactions = "transactions of 1 row", "transactions of 1,000 rows"
    return [
        _to_plain_writes(f"captured writes / plain writes, {commits}", runs["captured commits"], MAX_CAPTURED_COMMIT),
        _to_plain_writes(
            f"captured writes / plain writes, {transactions}", runs["captured transactions"], MAX_CAPTURED_TRANSACTION
        ),
        _to_plain_writes(
            f"the floor: a trigger that only writes the key, {transactions}",
            runs["bare trigger"],
            MAX_CAPTURED_TRANSACTION,
        ),
    ]


def _to_plain_writes(name: str, runs: Sequence[Measurement], limit: float) -> Figure:
    plain = median(run.reference_seconds for run in runs)
    ratio = median(run.seconds / run.reference_seconds for run in runs)
    return _at_most(name, f"{median_seconds(runs) * 1000:.1f} ms / {plain * 1000:.1f} ms", ratio, limit)


def _freshness(runs: Runs) -> list[Figure]:
    latencies = [each for run in runs["follow"] for each in run.latencies]
    percentiles = quantiles(latencies, n=100)
    measured = f"`sync --follow`, {CHANGES_PER_SECOND} changes a second; {len(latencies)} of them"
    return [
        _under("commit until in Weaviate, median", measured, percentiles[49], MAX_MEDIAN_LATENCY_SECONDS),
        _under("commit until in Weaviate, 99th percentile", measured, percentiles[98], MAX_P99_LATENCY_SECONDS),
    ]


def _measuring(runs: Runs) -> list[Figure]:
    with_it = median_seconds(runs["measuring"])
    ratio = median(run.seconds / run.reference_seconds for run in runs["measuring"])
    measured = f"{with_it:.2f} s / {median(run.reference_seconds for run in runs['measuring']):.2f} s, CPU time"
    name = "loads with measuring / without"
    a_row = with_it / runs["measuring"][0].rows * 1e6
    return [
        Figure(name, measured, f"{ratio:.3f}", f"at most {MAX_MEASURING:g}", ratio <= MAX_MEASURING),
        _up_to("CPU of our process to load a row", "measuring included", a_row, MAX_LOAD_CPU_MICROSECONDS, "us"),
    ]


def _vector_load(runs: Runs) -> list[Figure]:
    return [_load_ratio(f"load of {origin} vectors / raw insert_many", runs, origin) for origin in ("carried", "made")]


def _load_ratio(name: str, runs: Runs, origin: str) -> Figure:
    load = median(run.phases["load"] for run in runs[f"migrate {origin} vectors"])
    bound = median_seconds(runs[f"{origin} vectors bound"])
    return _at_most(name, f"{load:.1f} s / {bound:.1f} s", load / bound, MAX_VECTOR_LOAD)


def _embedding(runs: Runs) -> list[Figure]:
    return [_embedding_ratio(model, runs[f"embed with {model}"]) for model in ("minilm", "static")]


def _embedding_ratio(model: str, runs: Sequence[Measurement]) -> Figure:
    ratio = median(run.seconds / run.reference_seconds for run in runs)
    bare = median(run.reference_seconds for run in runs)
    measured = f"{median_seconds(runs):.2f} s / {bare:.2f} s, CPU time, {runs[0].rows:,} texts"
    return _at_most(f"embedding with {model}, kept / the bare model", measured, ratio, MAX_EMBEDDING)


def _second_migration(runs: Runs) -> list[Figure]:
    second = runs["second migration"]
    first, calls = median(run.reference_seconds for run in second), max(run.calls for run in second)
    measured = f"{median_seconds(second):.1f} s / {first:.1f} s, both in full"
    return [
        _at_most("a second migration / the first", measured, median_seconds(second) / first, MAX_SECOND_MIGRATION),
        Figure("calls of the second migration", "", f"{calls}", "0", calls == 0),
    ]


def _indexes(runs: Runs) -> list[Figure]:
    return [_recall(index, runs[index_run(index)]) for index in INDEXES]


def _recall(index: str, runs: Sequence[Measurement]) -> Figure:
    recall = median(run.share for run in runs)
    milliseconds = median(each for run in runs for each in run.latencies) * 1000
    measured = (
        f"{milliseconds:.1f} ms for a query, median; {runs[0].rows / median_seconds(runs):,.0f} objects/s written"
    )
    return _at_least(f"recall@10, {index}", measured, recall, MIN_RECALL, digits=3)


def _full_text(runs: Runs) -> list[Figure]:
    share = min(run.share for run in runs["full-text search"])
    return [_at_least("hits of FTS5 that are among those of BM25", "words of rows", share, MIN_CONTAINMENT, digits=4)]


def index_run(index: str) -> str:
    """The name of the runs that measure a kind of index."""
    return f"index: {index}"


def _up_to(name: str, measured: str, value: float, limit: float, unit: str) -> Figure:
    return Figure(name, measured, f"{value:.2f} {unit}", f"at most {limit:g} {unit}", value <= limit)


def _under(name: str, measured: str, seconds: float, limit: float) -> Figure:
    return Figure(name, measured, f"{seconds:.2f} s", f"under {limit:g} s", seconds < limit)


SUBJECTS: Mapping[str, Subject] = {
    "upload": Subject(("bound", "empty", "migrate", "bound again"), _upload),
    "fixed": Subject(("empty", "empty job"), _fixed),
    "storage": Subject(("empty job", "empty job, our storage"), _storage),
    "parallel": Subject(("empty", "empty parallel", "six tables", "six tables parallel"), _parallel),
    "million": Subject(("empty", "migrate", "migrate a million", "bound", "bound of a million"), _million),
    "workers": Subject(tuple(map(workers_run, (1, *MAX_WORKERS))), _workers),
    "demo": Subject(("demo",), _demo),
    "tables": Subject(("forty tables",), _tables),
    "foretold": Subject(("foretold demo", "foretold forty tables", "foretold messages"), _foretold),
    "starts": Subject(("server", "server again"), _starts),
    "help": Subject(("help",), _help),
    "dlt": Subject(("migrate", "dlt"), _dlt),
    "memory": Subject(("migrate", "migrate larger"), _memory),
    "verify": Subject(("verify empty", "verify"), _verify),
    "killed": Subject(("migrate", "after kill"), _killed),
    "capture": Subject(("captured commits", "captured transactions", "bare trigger"), _capture),
    "freshness": Subject(("follow",), _freshness),
    "metrics": Subject(("measuring",), _measuring),
    "audit": Subject(("fetch", "audit"), _audit),
    "vectors": Subject(
        (
            *("carried vectors bound", "migrate carried vectors"),
            *("made vectors bound", "migrate made vectors"),
        ),
        _vector_load,
    ),
    "embedding": Subject(("embed with minilm", "embed with static"), _embedding),
    "second": Subject(("second migration",), _second_migration),
    "full text": Subject(("full-text search",), _full_text),
    "indexes": Subject(tuple(map(index_run, INDEXES)), _indexes),
}
