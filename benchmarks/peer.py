"""The peer: dlt pulls the same pages from the same memory into the same server, by merge; a program of its own.

Takes the address of a database, a folder for its files, and the number of bookings; prints one JSON report.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec

from benchmarks.sample import Sample, as_page
from benchmarks.spent import own
from benchmarks.vendor import PAGE_SIZE

_DATASET = "peer"


class Report(msgspec.Struct, kw_only=True):
    """How long the pull took, from the first page to the last row loaded, and its processor time."""

    records: int
    stored: int
    seconds: float
    client_s: float


def _pages(sample: Sample) -> Iterator[bytes]:
    rows = sample.rows
    for first in range(0, len(rows), PAGE_SIZE):
        yield as_page(rows[first : first + PAGE_SIZE], more=first + PAGE_SIZE < len(rows))


def _bookings(sample: Sample) -> Iterator[list[dict[str, Any]]]:
    for page in _pages(sample):
        yield msgspec.json.decode(page)["data"]


def pull(dsn: str, folder: str, sample: Sample) -> Report:
    """Run the pipeline once."""
    os.environ.update({"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL", "DLT_DATA_DIR": folder})
    import dlt  # noqa: PLC0415 - reads the environment when it is imported

    # Called, not decorating: where dlt is not installed a type checker knows no decorator to check a function under.
    source = dlt.resource(_bookings(sample), name="bookings", primary_key="id", write_disposition="merge")
    pipeline = dlt.pipeline(
        "peer", pipelines_dir=folder, dataset_name=_DATASET, destination=dlt.destinations.postgres(_complete(dsn))
    )
    started, before = time.perf_counter(), own()
    pipeline.run(source)
    seconds, client_s = time.perf_counter() - started, own() - before
    with pipeline.sql_client() as client:
        [[stored]] = client.execute_sql("SELECT count(*) FROM bookings") or [[0]]
    return Report(records=len(sample), stored=stored, seconds=seconds, client_s=client_s)


def _complete(dsn: str) -> str:
    """Name the host and password that the peer insists on; the socket in the query is what counts."""
    return urlsplit(dsn)._replace(netloc="pms:none@localhost").geturl()


if __name__ == "__main__":
    address, place, count = sys.argv[1:]
    sys.stdout.buffer.write(msgspec.json.encode(pull(address, place, Sample(int(count)))) + b"\n")
