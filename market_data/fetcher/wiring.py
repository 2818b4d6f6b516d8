"""Builds the fetcher from settings, a clock and chance: for the command, the tests and the simulation alike."""

from collections.abc import Callable
from typing import Any

from market_data.aggregator.wiring import OUTAGE_WAIT_SECONDS, Chance, build_aggregator
from market_data.conf.declarations import MarketDataSettings
from market_data.exchanges.backoff import ExponentialBackoff
from market_data.fetcher.lease import FetcherLease
from market_data.fetcher.loop import MarketDataFetcher
from market_data.fetcher.systemd import ServiceNotifier
from market_data.ticker.clock import Clock
from market_data.ticker_cache.cache import TickerCache


def build_fetcher(
    settings: MarketDataSettings,
    cache: TickerCache,
    *,
    clock: Clock,
    chance: Chance,
    should_stop: Callable[[], bool],
    notifier: ServiceNotifier,
    lease: FetcherLease | None = None,
    **stand_ins: Any,
) -> MarketDataFetcher:
    """Return a fetcher; `stand_ins` are those of `build_aggregator`, for tests."""
    lease = lease or build_lease(settings, cache, clock)
    return MarketDataFetcher(
        settings,
        cache,
        build_aggregator(settings, cache, lease.token, clock=clock, chance=chance, **stand_ins),
        lease,
        clock=clock,
        backoff=ExponentialBackoff(*OUTAGE_WAIT_SECONDS, chance),
        should_stop=should_stop,
        notifier=notifier,
    )


def build_lease(settings: MarketDataSettings, cache: TickerCache, clock: Clock, **stand_ins: Any) -> FetcherLease:
    """Return a lease that is not held yet; `stand_ins` are those of `FetcherLease`, for tests."""
    return FetcherLease(
        cache,
        ttl_ms=settings.lease_ttl_ms,
        patience_ms=2 * settings.fetch_interval_ms,
        monotonic=clock.monotonic,
        **stand_ins,
    )
