"""The aggregator on its real parts: the simulated exchange over HTTP, a real cache server, real clocks."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from exchange_simulator.server import RunningSimulator
from market_data.aggregator.cycle import CycleReport
from market_data.aggregator.service import MarketDataAggregator
from market_data.aggregator.wiring import build_aggregator
from market_data.conf.declarations import MarketDataSettings
from market_data.conf.loading import load
from market_data.ticker.clock import Clock
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.record import StoredTicker
from market_data.ticker_cache.cache import TickerCache

TOKEN = "test:1:active"
REAL_CLOCK = Clock(time.monotonic, lambda: time.time_ns() // 1_000_000, time.sleep)


@dataclass
class Bench:
    """An aggregator that holds the lease, with what it was made of."""

    settings: MarketDataSettings
    cache: TickerCache
    aggregator: MarketDataAggregator

    def refresh(self) -> CycleReport:
        return self.aggregator.get_market_data(self.settings.trading_pairs, max_age_ms=0).cycle

    def outcomes(self) -> dict[str, PairOutcome]:
        return dict(self.refresh().outcomes)

    def cached(self) -> dict[str, StoredTicker]:
        return dict(self.cache.read(self.settings.trading_pairs).current)


@pytest.fixture
def exchange() -> Iterator[RunningSimulator]:
    with RunningSimulator(symbols=600, seed=3) as running:
        yield running


@pytest.fixture
def bench(exchange: RunningSimulator, ticker_cache: TickerCache) -> Callable[..., Bench]:
    """Make a bench for pairs; other settings by their environment variable."""

    def make(*pairs: str, **variables: str) -> Bench:
        values = {
            "TRADING_PAIRS": ",".join(pairs),
            "BINANCE_API_BASE_URL": exchange.base_url,
            "BINANCE_API_FALLBACK_URLS": "[]",
            **variables,
        }
        settings = load(values.get).settings
        assert settings is not None
        assert ticker_cache.acquire_lease(TOKEN, 600_000)
        return Bench(
            settings,
            ticker_cache,
            build_aggregator(settings, ticker_cache, TOKEN, clock=REAL_CLOCK, chance=random.random),
        )

    return make
