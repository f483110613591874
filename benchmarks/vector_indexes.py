"""What each kind of index finds of the nearest neighbours, and how fast it answers."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from weaviate.classes.config import Configure, DataType, Property, VectorDistances
from weaviate.classes.data import DataObject
from weaviate.collections import Collection
from weaviate.util import generate_uuid5

from benchmarks.embedded_file import EmbeddedFile
from benchmarks.measurement import Measurement, Server

COLLECTION = "IndexedText"
NEIGHBOURS = 10
QUERIES = 200
_OBJECTS_AT_ONCE = 500
_COSINE = VectorDistances.COSINE
_QUANTIZER = Configure.VectorIndex.Quantizer
INDEXES: dict[str, Any] = {
    "hnsw": Configure.VectorIndex.hnsw(distance_metric=_COSINE, quantizer=_QUANTIZER.none()),
    "hnsw + rq": Configure.VectorIndex.hnsw(distance_metric=_COSINE, quantizer=_QUANTIZER.rq()),
    "hnsw + rq of 1 bit": Configure.VectorIndex.hnsw(distance_metric=_COSINE, quantizer=_QUANTIZER.rq(bits=1)),
    "flat": Configure.VectorIndex.flat(distance_metric=_COSINE),
    "flat + bq": Configure.VectorIndex.flat(distance_metric=_COSINE, quantizer=_QUANTIZER.bq(rescore_limit=200)),
}


def measure_index(server: Server, file: EmbeddedFile, index: str) -> Measurement:
    """Searches for the neighbours of some of the vectors, and of vectors between two of them.

    Returns:
        The seconds of writing; the share of the neighbours that was found; the seconds of each query.
    """
    vectors = file.vectors / np.linalg.norm(file.vectors, axis=1, keepdims=True)
    queries = _queries(vectors)
    collection = server.client.collections.create(
        COLLECTION,
        properties=[Property(name="number", data_type=DataType.INT)],
        vector_config=Configure.Vectors.self_provided(vector_index_config=INDEXES[index]),
    )
    try:
        began = time.monotonic()
        _write(collection, vectors)
        seconds = time.monotonic() - began
        recall, latencies = _searched(collection, queries, vectors)
    finally:
        server.clear()
    return Measurement(seconds, rows=len(vectors), share=recall, latencies=latencies)


def _queries(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors that lie between two of them: none is there itself."""
    chosen = np.random.default_rng(1).choice(len(vectors), (2, QUERIES), replace=False)
    between: NDArray[np.float32] = (vectors[chosen[0]] * 2 + vectors[chosen[1]]) / 3
    between /= np.linalg.norm(between, axis=1, keepdims=True)
    return between


def _write(collection: Collection[Any, Any], vectors: NDArray[np.float32]) -> None:
    for start in range(0, len(vectors), _OBJECTS_AT_ONCE):
        numbered = enumerate(vectors[start : start + _OBJECTS_AT_ONCE].tolist(), start)
        collection.data.insert_many(
            [DataObject({"number": number}, generate_uuid5(number), vector=vector) for number, vector in numbered]
        )


def _searched(
    collection: Collection[Any, Any], queries: NDArray[np.float32], vectors: NDArray[np.float32]
) -> tuple[float, list[float]]:
    found, latencies = 0, []
    for query in queries:
        exact = set(np.argpartition(-(vectors @ query), NEIGHBOURS)[:NEIGHBOURS].tolist())
        began = time.monotonic()
        answer = collection.query.near_vector(query.tolist(), limit=NEIGHBOURS)
        latencies.append(time.monotonic() - began)
        found += sum(each.properties["number"] in exact for each in answer.objects)
    return found / (NEIGHBOURS * len(queries)), latencies
