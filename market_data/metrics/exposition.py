"""The text that Prometheus reads: what Redis tells of the fetcher, and what the web processes have served."""

from collections.abc import Iterator, Sequence

from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.registry import Collector

from market_data import __version__
from market_data.conf.declarations import MarketDataSettings
from market_data.conf.fingerprint import configuration_hash
from market_data.metrics.fetcher_families import fetcher_families
from market_data.metrics.served import ServedMetrics
from market_data.ticker_cache.cache import TickerCache
from market_data.ticker_cache.errors import CacheUnavailableError

__all__ = ["CONTENT_TYPE", "exposition"]


class _Families(Collector):
    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def exposition(cache: TickerCache, served: ServedMetrics, settings: MarketDataSettings) -> bytes:
    """Return the text; where Redis cannot be read it says so and lacks the fetcher's figures."""
    try:
        prices, fetcher = cache.read(settings.trading_pairs), cache.read_fetcher()
    except CacheUnavailableError:
        from_cache = []
    else:
        from_cache = list(fetcher_families(prices, fetcher, cache.clock.now_ms(), settings))
    families = [
        InfoMetricFamily(
            "nexusmeme_build",
            "Version and configuration of this web process",
            value={"version": __version__, "configuration": configuration_hash(settings)},
        ),
        GaugeMetricFamily(
            "nexusmeme_cache_up", "1 where this web process can read Redis", value=float(bool(from_cache))
        ),
        *from_cache,
        *served.families(),
    ]
    return generate_latest(_Families(families))
