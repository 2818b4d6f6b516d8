"""The fetcher's figures for Prometheus, from its report and the prices in Redis. Pure."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from market_data.conf.declarations import MarketDataSettings
from market_data.inspection.health import pair_counts
from market_data.metrics.exchange_families import CIRCUIT_STATES, exchange_families
from market_data.ticker.availability import age_ms
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.source import Source
from market_data.ticker_cache.prices import CacheReading
from market_data.ticker_cache.status import FetcherReading, FetcherStatus

PAIR_STATES = ("fresh", "stale", "missing")


def fetcher_families(
    prices: CacheReading, fetcher: FetcherReading, now_ms: int, settings: MarketDataSettings
) -> Iterator[Metric]:
    """Yield a family for each figure that Redis lets this process tell; what is not known is absent, never zero."""
    yield _gauge("fetcher_running", "1 while a fetcher is alive, anywhere", fetcher.is_running)
    yield _gauge("lease_held", "1 while a fetcher holds the lease", fetcher.lease_token is not None)
    counts = pair_counts(prices, fetcher.status, now_ms, settings)
    states = {state: counts[state] for state in PAIR_STATES}
    yield _labelled("pairs", "Configured pairs by the state of their price in the cache", "state", states)
    yield _gauge("pairs_configured", "Configured pairs", counts["configured"])
    found = (prices.availability(pair, now_ms, settings) for pair in settings.trading_pairs)
    ages_ms = [one.age_ms for one in found if one.age_ms is not None]
    if ages_ms:
        yield _gauge("price_oldest_age_seconds", "Age of the oldest current price in the cache", max(ages_ms) / 1000)
    yield _one_hot("price_source", "Whose prices the cache holds", "source", list(Source), fetcher.source)
    if fetcher.status is not None:
        with suppress(OverflowError):  # no fetcher counts that far, so this report is none
            yield from [
                *_cycles(fetcher.status, now_ms),
                *_exchange(fetcher.status, now_ms),
                *exchange_families(fetcher.status, now_ms, settings),
            ]


def _cycles(status: FetcherStatus, now_ms: int) -> Iterator[Metric]:
    stats = status.stats
    report_age_ms = age_ms(status.heartbeat_at, now_ms)
    if report_age_ms is not None:
        yield _gauge("fetcher_report_age_seconds", "Time since the fetcher's last report", report_age_ms / 1000)
    yield CounterMetricFamily(
        "nexusmeme_fetch_attempts",
        "Refresh cycles that the active fetcher has begun",
        value=float(stats.fetch_attempts),
    )
    cycles = CounterMetricFamily("nexusmeme_fetch_cycles", "Ended refresh cycles by result", labels=["result"])
    cycles.add_metric(["success"], float(stats.fetch_successes))
    cycles.add_metric(["error"], float(stats.fetch_errors))
    yield cycles
    if stats.last_fetch_duration_ms is not None:
        duration = stats.last_fetch_duration_ms / 1000
        yield _gauge("fetch_cycle_duration_seconds", "How long the last successful refresh cycle took", duration)
    if stats.last_fetch_time is not None:
        yield _gauge("fetch_last_success_time_seconds", "Unix time of the last price", stats.last_fetch_time / 1000)
    yield _gauge("fetch_interval_seconds", "From the start of a refresh cycle to the next", status.interval_ms / 1000)
    failures = status.backoff.failures_in_a_row
    yield _gauge("fetch_failures_in_a_row", "Failed refresh cycles in a row, which make the next one wait", failures)
    outcomes = Counter(pair.outcome for pair in status.pairs.values())
    by_name = {outcome.value: outcomes[outcome] for outcome in PairOutcome}
    yield _labelled("pair_outcomes", "Pairs by the outcome of their last refresh", "outcome", by_name)


def _exchange(status: FetcherStatus, now_ms: int) -> Iterator[Metric]:
    """Yield the figures of the exchange that delivers most pairs."""
    limit, exchange = status.rate_limit, status.exchange
    if limit.used_weight is not None:
        yield _gauge("request_weight_used", "Request weight of the minute, as the exchange counts", limit.used_weight)
    if limit.limit is not None:
        yield _gauge("request_weight_limit", "Request weight that the exchange allows a minute", limit.limit)
    yield _gauge("intervals_per_cycle", "Above 1 while cycles are rarer, near the limit", limit.intervals_per_cycle)
    waits_until = (limit.retry_at or 0) / 1000
    yield _gauge("rate_limit_end_time_seconds", "Unix time at which a wait for the limit ends, 0 for none", waits_until)
    banned_until = (exchange.banned_until or 0) / 1000
    yield _gauge("ban_end_time_seconds", "Unix time at which the exchange's ban ends, 0 for none", banned_until)
    state = status.circuit_breaker.state
    yield _one_hot("circuit_state", "State of the circuit breaker", "state", CIRCUIT_STATES, state)
    loaded_at = exchange.symbols_loaded_at
    symbols_age_ms = None if loaded_at is None else age_ms(loaded_at, now_ms)
    if symbols_age_ms is not None:
        meaning = "Time since the exchange's list of symbols was loaded"
        yield _gauge("symbols_age_seconds", meaning, symbols_age_ms / 1000)


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"nexusmeme_{name}", meaning, value=float(value))


def _labelled(name: str, meaning: str, label: str, values: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"nexusmeme_{name}", meaning, labels=[label])
    for of, value in values.items():
        family.add_metric([of], value)
    return family


def _one_hot(
    name: str, meaning: str, label: str, states: tuple[str, ...] | list[Source], current: str
) -> GaugeMetricFamily:
    return _labelled(name, f"{meaning}: 1 for the one", label, {str(state): int(state == current) for state in states})
