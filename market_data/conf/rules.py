"""Values that are right one by one and wrong together. Pure."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from market_data.conf.declarations import SETTINGS, MarketDataSettings
from market_data.conf.problems import Problem, Rule, Severity

MIN_COMFORTABLE_CACHE_TTL_MS = 10_000


_FIELDS = {setting.name: field for field, setting in SETTINGS.items()}


@dataclass(frozen=True)
class Contradiction(Rule):
    """`advised` returns a value of the first setting that ends it."""

    is_broken: Callable[[MarketDataSettings], bool]
    advised: Callable[[MarketDataSettings], object]

    def problem(self, settings: MarketDataSettings) -> Problem:
        values = [f"{name}={json.dumps(getattr(settings, _FIELDS[name]))}" for name in self.settings]
        hint = f"Write for example {self.settings[0]}={json.dumps(self.advised(settings))}"
        return self.broken(" with ".join(values), hint)


def contradictions(settings: MarketDataSettings) -> list[Problem]:
    """Return a problem for every rule that these values break."""
    return [rule.problem(settings) for rule in CONTRADICTIONS if rule.is_broken(settings)]


def _is_ttl_above_interval(settings: MarketDataSettings) -> bool:
    return settings.cache_ttl_ms > settings.fetch_interval_ms


def _comfortable_ttl_ms(settings: MarketDataSettings) -> int:
    return max(MIN_COMFORTABLE_CACHE_TTL_MS, 2 * settings.fetch_interval_ms + settings.cycle_deadline_ms)


CONTRADICTIONS: tuple[Contradiction, ...] = (
    Contradiction(
        101, Severity.ERROR, ("MARKET_DATA_CACHE_TTL_MS", "MARKET_DATA_FETCH_INTERVAL_MS"),
        "the cache TTL does not exceed the interval, so every price would expire before the next one comes",
        lambda settings: not _is_ttl_above_interval(settings),
        _comfortable_ttl_ms,
    ),
    Contradiction(
        102, Severity.ERROR, ("MARKET_DATA_CACHE_STALE_TTL_MS", "MARKET_DATA_CACHE_TTL_MS"),
        "the stale TTL is not below the cache TTL, so no price could ever be stale",
        lambda settings: _is_ttl_above_interval(settings) and settings.cache_stale_ttl_ms >= settings.cache_ttl_ms,
        lambda settings: max(1, settings.cache_ttl_ms // 3),
    ),
    Contradiction(
        103, Severity.ERROR, ("MARKET_DATA_LAST_KNOWN_TTL_MS", "MARKET_DATA_CACHE_TTL_MS"),
        "the last known price would be gone before the current one",
        lambda settings: settings.last_known_ttl_ms < settings.cache_ttl_ms,
        lambda settings: max(86_400_000, settings.cache_ttl_ms),
    ),
    Contradiction(
        101, Severity.WARNING, ("MARKET_DATA_CACHE_TTL_MS", "MARKET_DATA_FETCH_INTERVAL_MS"),
        "the cache TTL is below 10000, or so short that one failed refresh cycle can empty the cache",
        lambda settings: _is_ttl_above_interval(settings) and settings.cache_ttl_ms < _comfortable_ttl_ms(settings),
        _comfortable_ttl_ms,
    ),
    Contradiction(
        102, Severity.WARNING, ("TRADING_PAIRS",),
        "the list is empty, so there is nothing to fetch and nothing to show",
        lambda settings: not settings.trading_pairs,
        lambda _: ["BTC/USDT", "ETH/USDT"],
    ),
    Contradiction(
        103, Severity.WARNING, ("MARKET_DATA_CLIENT_STALE_THRESHOLD_MS", "MARKET_DATA_FETCH_INTERVAL_MS"),
        "the page's threshold does not exceed the interval, so every price would turn stale on the page before the "
        "next one comes",
        lambda settings: settings.client_stale_threshold_ms <= settings.fetch_interval_ms,
        lambda _: 30_000,
    ),
)  # fmt: skip
