"""Builds the aggregator for an entry point, with real clocks and the real exchange client."""

import random
import time
from collections.abc import Callable, Sequence
from functools import partial

from market_data.aggregator.flights import Flights
from market_data.aggregator.history import PriceHistory
from market_data.aggregator.latest_records import LatestRecords
from market_data.aggregator.quarantine import Quarantine
from market_data.aggregator.refresh_cycle import AggregatorParts
from market_data.aggregator.service import MarketDataAggregator
from market_data.aggregator.symbol_loader import SymbolLoader
from market_data.aggregator.symbols import doubt_about
from market_data.conf.declarations import MarketDataSettings
from market_data.exchanges.backoff import ExponentialBackoff
from market_data.exchanges.circuit_breaker import CircuitBreaker
from market_data.exchanges.gateway import ExchangeClient, ExchangeGateway
from market_data.exchanges.hosts import HostPreference
from market_data.exchanges.http import BinanceClient
from market_data.exchanges.request_weight import RequestWeightBudget
from market_data.exchanges.retry_after import ExchangePause
from market_data.ticker_cache.cache import TickerCache

FAILURES_UNTIL_OPEN = 3
# A failed refresh must be made up for before any price expires, so waits begin short and stay below half a minute.
BREAKER_COOL_DOWN = (2.0, 24.0)
# From the exchange's return to a fresh price: a probe that still failed, the wait after it, the next answer.
RECOVERY_SECONDS = 28.0
RATE_LIMIT_FLOOR = (10.0, 120.0)
HOST_REST = (10.0, 300.0)
QUARANTINE_WAIT = (60.0, 3600.0)
SYMBOL_LIST_RETRY = (10.0, 300.0)


def build_aggregator(
    settings: MarketDataSettings, cache: TickerCache, token: str, client: ExchangeClient | None = None
) -> MarketDataAggregator:
    """Return an aggregator that writes under the lease `token`, and dates prices by Redis' clock."""
    monotonic, now_ms = time.monotonic, cache.clock.stamp_ms
    first_wait, longest_wait = BREAKER_COOL_DOWN
    longest_wait = min(longest_wait, RECOVERY_SECONDS - settings.cycle_deadline_ms / 1000)
    gateway = build_gateway(settings, settings.exchange_urls, client or build_client(settings, now_ms))
    return MarketDataAggregator(
        AggregatorParts(
            settings=settings,
            cache=cache,
            token=token,
            gateway=gateway,
            breaker=CircuitBreaker(
                failure_threshold=FAILURES_UNTIL_OPEN,
                cool_down=_backoff((first_wait, longest_wait)),
                monotonic=monotonic,
            ),
            symbols=SymbolLoader(
                gateway,
                retry=_backoff(SYMBOL_LIST_RETRY),
                doubt=partial(doubt_about, pairs=settings.trading_pairs, aliases=settings.quote_aliases),
                monotonic=monotonic,
                now_ms=now_ms,
            ),
            quarantine=Quarantine(wait=_backoff(QUARANTINE_WAIT), monotonic=monotonic),
            flights=Flights(),
            latest=LatestRecords(),
            history=PriceHistory(cache, token, monotonic),
            monotonic=monotonic,
            now_ms=now_ms,
        )
    )


def build_client(settings: MarketDataSettings, now_ms: Callable[[], int]) -> BinanceClient:
    """Return what sends requests to the exchange and dates its answers by `now_ms`."""
    return BinanceClient(max_connections=settings.max_concurrent_batches, monotonic=time.monotonic, now_ms=now_ms)


def build_gateway(settings: MarketDataSettings, urls: Sequence[str], client: ExchangeClient) -> ExchangeGateway:
    """Return the way out to these hosts of the exchange, through every rule."""
    monotonic = time.monotonic
    return ExchangeGateway(
        client,
        hosts=HostPreference(urls, rest=_backoff(HOST_REST), monotonic=monotonic),
        pause=ExchangePause(floor=_backoff(RATE_LIMIT_FLOOR), monotonic=monotonic),
        budget=RequestWeightBudget(monotonic=monotonic),
        max_concurrent=settings.max_concurrent_batches,
        monotonic=monotonic,
    )


def _backoff(seconds: tuple[float, float]) -> ExponentialBackoff:
    base, cap = seconds
    return ExponentialBackoff(base, cap, random.random)
