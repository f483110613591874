"""How far a migration carries: time, money, disk, memory and the limit, from what a row and a partition cost.

`python -m benchmarks.how_far` writes its tables into docs/how-far.md, from `costs.json` (`stage_costs` measures it) and
`prices.json`. It asks nobody and measures nothing: the same files give the same page.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import click
from pydantic import BaseModel, ConfigDict

from benchmarks.measurement import ROOT
from benchmarks.sheet import Sheet
from weaviate_migration.base.partitions import DEFAULT_PARTITIONS, MAX_PARTITIONS
from weaviate_migration.phases.preflight.disk_and_memory import BYTES_PER_DIMENSION, SERVER_BASE_BYTES

PAGE = ROOT / "docs" / "how-far.md"
COSTS, PRICES = (Path(__file__).with_name(name) for name in ("costs.json", "prices.json"))

ROWS = (1_000_000, 100_000_000, 1_000_000_000)
WORKERS = (1, 8, 64)
NODES = (1, 12)
# Of a cluster: each object on three nodes, written and read at QUORUM, by two of them at least.
REPLICAS, READ_FROM = 3, 2
# A partition is what is loaded again when something of it is damaged or a worker is lost.
ROWS_OF_A_PARTITION = 1_000_000
# Workers end together where each has several shares of the work.
SHARES_OF_A_WORKER = 4
HOURS_OF_A_MONTH = 730
GB = 1e9

_MARKS = re.compile(r"(?<=<!-- computed by benchmarks/how_far.py -->\n).*?(?=<!-- end -->)", re.DOTALL)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RowCosts(_Frozen):
    """Of one row: microseconds of CPU at each stage, of our process and of the server, and bytes on disk."""

    ours_us: Mapping[str, float]
    server_us: Mapping[str, float]
    bytes: Mapping[str, float]
    peak_memory_mb: float


class PartitionCosts(_Frozen):
    """CPU seconds of a migration of one empty table, and milliseconds of each of its partitions."""

    fixed_s: float
    each_ms: float


class Costs(_Frozen):
    """What was measured, when, and on what; `rows` of each kind, those with vectors of so many `dimensions`."""

    measured: str
    on: str
    rows: int
    dimensions: int
    plain: RowCosts
    with_vectors: RowCosts
    partitions: PartitionCosts


class Node(_Frozen):
    """A machine for a server."""

    name: str
    cores: int
    memory_gib: float
    usd_an_hour: float

    @property
    def memory_gb(self) -> float:
        """Machines are sold by powers of two."""
        return self.memory_gib * 2**30 / GB


class WorkerMachine(Node):
    """A machine for workers, one on each core."""

    network_mb_s: float


class Prices(_Frozen):
    """What machines and disks cost, and who says so."""

    source: str
    worker: WorkerMachine
    nodes: tuple[Node, ...]
    disk_usd_a_gb_month: float


@dataclass(frozen=True)
class Case:
    """A migration of one table."""

    rows: int
    vectors: bool
    nodes: int
    workers: int

    @property
    def replicas(self) -> int:
        """On how many nodes each object is."""
        return min(REPLICAS, self.nodes)

    @property
    def partitions(self) -> int:
        """How many to take: a power of two."""
        wanted = max(SHARES_OF_A_WORKER * self.workers, -(-self.rows // ROWS_OF_A_PARTITION), DEFAULT_PARTITIONS)
        return min(MAX_PARTITIONS, 1 << (wanted - 1).bit_length())


@dataclass(frozen=True)
class Stage:
    """What takes time: how long, and what it waits for."""

    seconds: float
    limit: str


@dataclass(frozen=True)
class Forecast:
    """What a case takes, from these costs and prices."""

    case: Case
    costs: Costs
    prices: Prices

    @property
    def row(self) -> RowCosts:
        """The costs of a row of this kind."""
        return self.costs.with_vectors if self.case.vectors else self.costs.plain

    @property
    def node_memory_gb(self) -> float:
        """Of one node: vectors as Weaviate's documentation counts them, and what a server takes by itself."""
        numbers = self.costs.dimensions if self.case.vectors else 0
        vectors = self.case.rows * numbers * BYTES_PER_DIMENSION * self.case.replicas / self.case.nodes
        return (vectors + SERVER_BASE_BYTES) / GB

    @property
    def node(self) -> Node | None:
        """The smallest machine that has the memory; None where no machine has."""
        return next((each for each in self.prices.nodes if each.memory_gb >= self.node_memory_gb), None)

    @property
    def machines(self) -> int:
        """For the workers, one of which is at the source."""
        return math.ceil(self.case.workers / self.prices.worker.cores)

    @property
    def snapshot_gb(self) -> float:
        """Of the snapshot: at the source, and on each machine that reads it."""
        return self.case.rows * self.row.bytes["source"] / GB

    @property
    def extracts_gb(self) -> float:
        """Of all extracts, in the storage."""
        return self.case.rows * self.row.bytes["extract"] / GB

    @property
    def node_disk_gb(self) -> float:
        """Of one node."""
        return self.case.rows * self.row.bytes["server"] * self.case.replicas / self.case.nodes / GB

    def stages(self) -> Iterator[Stage]:
        """All that takes time, one after the other."""
        yield Stage(self.costs.partitions.fixed_s, "the fixed cost")
        yield Stage(self.case.partitions * self.costs.partitions.each_ms / 1000, "events of partitions")
        yield Stage(self._ours("audit", "snapshot"), "one core at the source")
        if self.machines > 1:
            yield Stage(
                self.snapshot_gb * 1000 / self.prices.worker.network_mb_s, "the network: copies of the snapshot"
            )
        yield Stage(self._ours("extract") / self.case.workers, "workers")
        yield self._on_both_sides("load", self.case.replicas)
        yield self._on_both_sides("comparison", min(READ_FROM, self.case.replicas))

    def _ours(self, *stages: str) -> float:
        return self.case.rows * sum(self.row.ours_us[each] for each in stages) / 1e6

    def _on_both_sides(self, stage: str, replicas: int) -> Stage:
        """Whoever takes longer: the workers, or the cores of all nodes, which do the work once for each replica."""
        assert self.node is not None, "asked only of what has room"
        growth = self._index_growth if stage == "load" and self.case.vectors else 1.0
        server = self.case.rows * self.row.server_us[stage] / 1e6 * replicas * growth
        ours, theirs = self._ours(stage) / self.case.workers, server / (self.case.nodes * self.node.cores)
        return Stage(ours, "workers") if ours >= theirs else Stage(theirs, "Weaviate's cores")

    @property
    def _index_growth(self) -> float:
        """A vector's place in an index is found in steps that grow with the logarithm of what is in it."""
        in_index = self.case.rows * self.case.replicas / self.case.nodes
        return max(1.0, math.log(in_index) / math.log(self.costs.rows))

    @property
    def seconds(self) -> float:
        """Of all stages."""
        return sum(each.seconds for each in self.stages())

    @property
    def limit(self) -> str:
        """What most of the time is waited for."""
        waited: dict[str, float] = {}
        for each in self.stages():
            waited[each.limit] = waited.get(each.limit, 0.0) + each.seconds
        return max(waited, key=lambda each: waited[each])

    @property
    def usd(self) -> float:
        """For as long as it takes: machines of workers and nodes, and their disks."""
        assert self.node is not None, "asked only of what has room"
        machines = self.machines * self.prices.worker.usd_an_hour + self.case.nodes * self.node.usd_an_hour
        copies = self.snapshot_gb * (self.machines if self.machines > 1 else 1)
        disks = copies + self.extracts_gb + self.node_disk_gb * self.case.nodes
        an_hour = machines + disks * self.prices.disk_usd_a_gb_month / HOURS_OF_A_MONTH
        return self.seconds / 3600 * an_hour


@cache
def costs() -> Costs:
    """Those that were measured last."""
    return Costs.model_validate_json(COSTS.read_bytes())


@cache
def prices() -> Prices:
    """Those on file."""
    return Prices.model_validate_json(PRICES.read_bytes())


def forecasts() -> list[Forecast]:
    """Of all cases on the page."""
    cases = product(ROWS, (False, True), NODES, WORKERS)
    return [Forecast(Case(*each), costs(), prices()) for each in cases]


def page_text() -> str:
    """What the page says between its marks."""
    found = forecasts()
    once = [each for each in found if each.case.workers == WORKERS[0]]
    sheets = [_time_sheet(found), _place_sheet(once), _costs_sheet()]
    return "\n" + "\n\n".join(each.to_markdown() for each in sheets) + f"\n\nPrices: {prices().source}.\n\n"


def page_with(text: str) -> str:
    """The page with this text between its marks.

    Raises:
        ValueError: it has no marks.
    """
    page, marks = _MARKS.subn(lambda _: text, PAGE.read_text(encoding="utf-8"))
    if marks != 1:
        raise ValueError(f"{PAGE} has {marks} places for what is computed")
    return page


def _time_sheet(found: Sequence[Forecast]) -> Sheet:
    header = ("rows", "vectors", "nodes", "workers", "time", "USD", "partitions", "the limit")
    return Sheet("Time and money", header, [_time_line(each) for each in found])


def _time_line(found: Forecast) -> tuple[str, ...]:
    case = found.case
    fits = found.node is not None
    return (
        *_case_of(case),
        str(case.workers),
        _time_text(found.seconds) if fits else "",
        f"{found.usd:,.2f}" if fits else "",
        f"{case.partitions:,}",
        found.limit if fits else "memory: no machine has it",
    )


def _place_sheet(found: Sequence[Forecast]) -> Sheet:
    header = ("rows", "vectors", "nodes", "snapshot", "extracts", "disk of a node", "memory of a node", "each node")
    return Sheet("Disk and memory, whatever the workers", header, [_place_line(each) for each in found])


def _place_line(found: Forecast) -> tuple[str, ...]:
    places = (found.snapshot_gb, found.extracts_gb, found.node_disk_gb, found.node_memory_gb)
    return (*_case_of(found.case), *map(_gb_text, places), found.node.name if found.node else "none is large enough")


def _costs_sheet() -> Sheet:
    measured = costs()
    lines = [
        (
            stage,
            *(f"{each.ours_us[stage]:,.1f} us" for each in (measured.plain, measured.with_vectors)),
            *(f"{each.server_us[stage]:,.1f} us" for each in (measured.plain, measured.with_vectors)),
        )
        for stage in measured.plain.ours_us
    ]
    together = measured.partitions
    title = (
        f"What a row was measured to take, of CPU, on {measured.measured}: {measured.rows:,} rows, {measured.on}. An "
        f"empty migration takes {together.fixed_s:.1f} s, each partition of a table {together.each_ms:.1f} ms. Our "
        f"process took {measured.plain.peak_memory_mb:.0f} MB at most, with vectors "
        f"{measured.with_vectors.peak_memory_mb:.0f} MB"
    )
    header = ("stage", "our process", "with vectors", "Weaviate", "with vectors")
    return Sheet(title, header, lines)


def _case_of(case: Case) -> tuple[str, str, str]:
    return f"{case.rows:,}", "yes" if case.vectors else "no", f"{case.nodes}"


def _time_text(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 120 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def _gb_text(gb: float) -> str:
    return f"{gb:,.1f} GB" if gb < 100 else f"{gb:,.0f} GB"


@click.command()
def main() -> None:
    """Write what was computed into the page."""
    PAGE.write_text(page_with(page_text()), encoding="utf-8")


if __name__ == "__main__":
    main()
