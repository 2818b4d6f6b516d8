"""What the web processes have served, for Prometheus, from their tallies. Pure."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from market_data.metrics.tallies import AGE_BOUNDS_MS, CACHE_ERRORS, ENDPOINTS, SECONDS_BOUNDS, STATUSES, Row, Tally

Buckets = list[tuple[str, float]]


def served_families(tally: Tally) -> Iterator[Metric]:
    """Yield counters for every label that there is, zeros included, for a rate needs to see the first event."""
    answers = CounterMetricFamily("nexusmeme_served_answers", "Answers of the API", labels=["endpoint", "status"])
    durations = HistogramMetricFamily(
        "nexusmeme_served_duration_seconds", "Time that answers took", labels=["endpoint", "status"]
    )
    for endpoint in ENDPOINTS:
        for status in STATUSES:
            row = tally.get(f"{endpoint} {status}")
            answers.add_metric([endpoint, status], sum(row[:-1]) if row else 0)
            if row:
                durations.add_metric([endpoint, status], _buckets(SECONDS_BOUNDS, row), row[-1])
    yield answers
    yield durations
    ages_ms = tally.get("age", [0] * (len(AGE_BOUNDS_MS) + 2))
    bounds = [bound / 1000 for bound in AGE_BOUNDS_MS]
    yield HistogramMetricFamily(
        "nexusmeme_served_age_seconds",
        "Age of the oldest price in each 200 and 206 of prices",
        buckets=_buckets(bounds, ages_ms),
        sum_value=ages_ms[-1] / 1000,
    )
    errors = CounterMetricFamily("nexusmeme_cache_errors", "Failed uses of Redis by reason", labels=["reason"])
    for kind in CACHE_ERRORS:
        errors.add_metric([kind], tally.get(f"cache {kind}", [0])[0])
    yield errors


def _buckets(bounds: Sequence[float], row: Row) -> Buckets:
    count, buckets = 0.0, []
    for bound, in_bucket in zip([*map(str, bounds), "+Inf"], row[:-1], strict=True):
        count += in_bucket
        buckets.append((bound, count))
    return buckets
