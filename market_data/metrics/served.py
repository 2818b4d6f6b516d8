"""What the web processes have served, in prometheus_client's counters; in its multiprocess mode over all workers."""

import threading
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from market_data.api.counters import AGE_BOUNDS_MS, SECONDS_BOUNDS, Counters, Row
from market_data.ticker_cache.failures import FAILURES

ENDPOINTS = ("prices", "history", "init", "health", "pairs", "unknown")
STATUSES = ("200", "206", "304", "400", "404", "405", "500", "503", "other")


_OWN_FILES = ("counter_*.db", "histogram_*.db")


class _SummedHistogram(Histogram):
    """A histogram that takes many observations at once; to observe one costs more than to answer a request."""

    def add(self, row: Row) -> None:
        """Add a row: counts by bucket, and then the sum of what was observed."""
        *counts, total = row
        for bucket, count in zip(self._buckets, counts, strict=True):
            bucket.inc(count)
        self._sum.inc(total)


class ServedMetrics:
    """Takes over what the read path has counted, and tells the sums: with a folder, those of all workers that share it.

    A worker's files stay when it ends, so that no sum ever falls.
    """

    def __init__(self, counters: Counters, failures: Mapping[str, int], folder: Path | None = None) -> None:
        self._counters, self._failures, self._folder = counters, failures, folder
        self._taken: dict[Hashable, Sequence[float]] = {}
        self._lock = threading.Lock()
        self._registry = own = CollectorRegistry()
        self._answers = Counter("nexusmeme_served_answers", "Answers of the API", ["endpoint", "status"], registry=own)
        self._durations = _SummedHistogram(
            "nexusmeme_served_duration_seconds",
            "Time that answers took",
            ["endpoint", "status"],
            buckets=SECONDS_BOUNDS,
            registry=own,
        )
        self._ages = _SummedHistogram(
            "nexusmeme_served_age_seconds",
            "Age of the oldest price in each 200 and 206 of prices",
            buckets=[bound / 1000 for bound in AGE_BOUNDS_MS],
            registry=own,
        )
        self._errors = Counter("nexusmeme_cache_errors", "Failed uses of Redis by reason", ["reason"], registry=own)
        self._begin_with_zeros()

    def _begin_with_zeros(self) -> None:
        """Tell every label from the start, for a rate needs to see the first event."""
        for endpoint in ENDPOINTS:
            for status in STATUSES:
                self._answers.labels(endpoint, status)
        for name in FAILURES:
            self._errors.labels(name)

    def take_over(self) -> None:
        """Add what was counted since the last time."""
        with self._lock:
            for (endpoint, status), row in self._counters.seconds.copy().items():
                if new := self._new_in((endpoint, status), row):
                    labels = endpoint, str(status) if str(status) in STATUSES else "other"
                    self._answers.labels(*labels).inc(sum(new[:-1]))
                    self._durations.labels(*labels).add(new)
            if new := self._new_in("ages", self._counters.ages_ms):
                self._ages.add([*new[:-1], new[-1] / 1000])
            for name, count in self._failures.items():
                if new := self._new_in(name, [count]):
                    self._errors.labels(name).inc(sum(new))

    def _new_in(self, key: Hashable, row: Sequence[float]) -> Row | None:
        """Return by how much a row has grown since it was last looked at, None where it has not."""
        now = list(row)  # at once, for other threads go on counting
        before, self._taken[key] = self._taken.get(key, [0] * len(now)), now
        return None if now == before else [count - old for count, old in zip(now, before, strict=True)]

    def families(self) -> list[Metric]:
        """Return the figures up to now."""
        self.take_over()
        own = list(self._registry.collect())
        for family in own:  # these have an instant of creation, those of several workers have none
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
        if self._folder is None:
            return own
        # A worker that is just starting has made its file and written nothing into it yet
        files = [str(file) for name in _OWN_FILES for file in self._folder.glob(name) if file.stat().st_size]
        names = {family.name for family in own}
        merged = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        return [family for family in merged if family.name in names]
