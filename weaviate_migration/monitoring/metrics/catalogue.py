"""Every metric that is exposed: name, type, labels and meaning, in one list. docs/metrics.md is held against it."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

PREFIX = "weaviate_migration_"

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
"""A metric with its samples, as prometheus-client writes them down."""


class MetricSpec(NamedTuple):
    """One metric.

    Attributes:
        name: without the prefix; of a counter with `_total`.
        labels: names of its labels.
        meaning: the help text: what is counted, in which unit.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    meaning: str

    @property
    def full_name(self) -> str:
        """As it is exposed; a histogram has `_bucket`, `_count` and `_sum` behind it."""
        return PREFIX + self.name


_PARTITION = ("collection", "partition")
_CATEGORY = (*_PARTITION, "category")
_ACTIVITY = ("collection", "activity")
_VECTOR = ("collection", "vector")

SPECS = (
    MetricSpec("info", "gauge", ("migration", "state"), "1 for the migration that the others are about."),
    MetricSpec("rows_read_total", "counter", _PARTITION, "Rows read from the extracts by the last load."),
    MetricSpec("rows_changed_total", "counter", _PARTITION, "Rows left to the sync: they changed since the snapshot."),
    MetricSpec("rows_converted_total", "counter", _PARTITION, "Rows that became an object."),
    MetricSpec("rows_written_total", "counter", _PARTITION, "Objects that Weaviate has acknowledged."),
    MetricSpec("rows_refused_total", "counter", _CATEGORY, "Rows that are not in Weaviate, by category."),
    MetricSpec("objects_retried_total", "counter", _CATEGORY, "Objects sent again, by the category of the error."),
    MetricSpec("objects_removed_total", "counter", _PARTITION, "Objects removed that the extract has no row for."),
    MetricSpec("sent_bytes_total", "counter", _PARTITION, "Estimated bytes of the objects in the batches."),
    MetricSpec("batch_duration_seconds", "histogram", ("collection",), "Seconds until all of a batch had its outcome."),
    MetricSpec("vector_texts_total", "counter", _VECTOR, "Texts that a model's vectors were wanted of, and are there."),
    MetricSpec("vectors_left_out", "gauge", _VECTOR, "Texts without a vector, since their model was away."),
    MetricSpec("vector_cache_hits_total", "counter", _VECTOR, "Of the texts, those that the model was not asked for."),
    MetricSpec("embedding_calls_total", "counter", _VECTOR, "Calls of the model that makes a vector."),
    MetricSpec("embedding_tokens_total", "counter", _VECTOR, "Tokens that the model has counted."),
    MetricSpec("embedding_seconds_total", "counter", _VECTOR, "Seconds that these calls took."),
    MetricSpec("embedding_money_total", "counter", _VECTOR, "What the tokens cost, at the mapping's price."),
    MetricSpec("progress_rows", "gauge", _ACTIVITY, "Rows that the vectors, load, or checks will handle."),
    MetricSpec("progress_rows_handled", "gauge", _ACTIVITY, "Rows that are handled."),
    MetricSpec("progress_rows_per_second", "gauge", _ACTIVITY, "Throughput of the last ten seconds; 0 at rest."),
    MetricSpec("progress_average_rows_per_second", "gauge", _ACTIVITY, "Throughput since the beginning."),
    MetricSpec("progress_eta_seconds", "gauge", _ACTIVITY, "Seconds until all rows are handled, where it is known."),
    MetricSpec("check_evaluations", "gauge", ("collection", "check", "outcome"), "Last verdicts: partitions, or 1."),
    MetricSpec("sync_lag_changes", "gauge", ("migration",), "Captured changes that are not applied."),
    MetricSpec("sync_lag_seconds", "gauge", ("migration",), "Age of the oldest change that is not applied."),
    MetricSpec("sync_position", "gauge", ("migration",), "Position in the change log up to which all is applied."),
    MetricSpec(
        "process_resident_memory_bytes", "gauge", ("process",), "Memory of the command, its workers, the server."
    ),
    MetricSpec("process_cpu_seconds_total", "counter", ("process",), "CPU time of command, its workers, the server."),
    MetricSpec("work_folder_bytes", "gauge", ("part",), "Bytes on disk of each part of the work folder."),
    MetricSpec("work_folder_free_bytes", "gauge", (), "Bytes that are free on the work folder's disk."),
    MetricSpec("server_up", "gauge", (), "1 where the server answers."),
    MetricSpec("server_objects", "gauge", ("collection",), "Objects in the collection, as the server counts."),
    MetricSpec("server_queued_vectors", "gauge", ("collection",), "Vectors that wait for their index."),
    MetricSpec("server_queued_objects", "gauge", (), "Objects in the server's queue for batches."),
    MetricSpec("scrape_failed", "gauge", ("part",), "1 where a part of the metrics could not be had."),
)
_KNOWN = {spec.name: spec for spec in SPECS}

Sample = tuple[Sequence[str], float]
"""The values of the labels, and the number."""


def family(name: str, samples: Iterable[Sample]) -> Family:
    """A counter or gauge of the list, with its samples.

    Args:
        name: without the prefix.
    """
    spec = _KNOWN[name]
    kind = CounterMetricFamily if spec.kind == "counter" else GaugeMetricFamily
    made = kind(spec.full_name, spec.meaning, labels=spec.labels)
    for labels, value in samples:
        made.add_metric(labels, value)
    return made


def histogram(
    name: str, bounds: Sequence[float], samples: Iterable[tuple[Sequence[str], Sequence[int], float]]
) -> Family:
    """A histogram of the list.

    Args:
        bounds: upper bounds of the classes; one more class has what is beyond.
        samples: the values of the labels, how many are in each class, and the sum of all values.
    """
    spec = _KNOWN[name]
    made = HistogramMetricFamily(spec.full_name, spec.meaning, labels=spec.labels)
    for labels, classes, total in samples:
        ends = [str(bound) for bound in bounds] + ["+Inf"]
        made.add_metric(labels, [(end, float(sum(classes[: index + 1]))) for index, end in enumerate(ends)], total)
    return made
