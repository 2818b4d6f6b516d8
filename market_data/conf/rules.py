"""Values that are right one by one and wrong together. Pure."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from market_data.conf.declarations import SETTINGS, MarketDataSettings
from market_data.conf.problems import Problem, Severity, check_id

MIN_COMFORTABLE_CACHE_TTL_MS = 10_000


@dataclass(frozen=True)
class Rule:
    """`reason` says what is broken and why it matters, `advised` returns a value of the first field that mends it."""

    number: int
    severity: Severity
    fields: tuple[str, ...]
    is_broken: Callable[[MarketDataSettings], bool]
    reason: str
    advised: Callable[[MarketDataSettings], object]

    @property
    def id(self) -> str:
        return check_id(self.severity, self.number)

    @property
    def settings(self) -> tuple[str, ...]:
        return tuple(SETTINGS[field].name for field in self.fields)

    def problem(self, settings: MarketDataSettings) -> Problem:
        values = [json.dumps(getattr(settings, field)) for field in self.fields]
        found = " with ".join(f"{name}={value}" for name, value in zip(self.settings, values, strict=True))
        hint = f"Write for example {self.settings[0]}={json.dumps(self.advised(settings))}"
        return Problem(self.number, self.severity, self.settings, f"{found}: {self.reason}.", hint)


def contradictions(settings: MarketDataSettings) -> list[Problem]:
    """Return a problem for every rule that these values break."""
    return [rule.problem(settings) for rule in RULES if rule.is_broken(settings)]


def _is_ttl_above_interval(settings: MarketDataSettings) -> bool:
    return settings.cache_ttl_ms > settings.fetch_interval_ms


def _comfortable_ttl_ms(settings: MarketDataSettings) -> int:
    return max(MIN_COMFORTABLE_CACHE_TTL_MS, 2 * settings.fetch_interval_ms + settings.cycle_deadline_ms)


RULES: tuple[Rule, ...] = (
    Rule(
        101, Severity.ERROR, ("cache_ttl_ms", "fetch_interval_ms"),
        lambda settings: not _is_ttl_above_interval(settings),
        "the cache TTL does not exceed the interval, so every price would expire before the next one comes",
        _comfortable_ttl_ms,
    ),
    Rule(
        102, Severity.ERROR, ("cache_stale_ttl_ms", "cache_ttl_ms"),
        lambda settings: _is_ttl_above_interval(settings) and settings.cache_stale_ttl_ms >= settings.cache_ttl_ms,
        "the stale TTL is not below the cache TTL, so no price could ever be stale",
        lambda settings: max(1, settings.cache_ttl_ms // 3),
    ),
    Rule(
        103, Severity.ERROR, ("last_known_ttl_ms", "cache_ttl_ms"),
        lambda settings: settings.last_known_ttl_ms < settings.cache_ttl_ms,
        "the last known price would be gone before the current one",
        lambda settings: max(86_400_000, settings.cache_ttl_ms),
    ),
    Rule(
        101, Severity.WARNING, ("cache_ttl_ms", "fetch_interval_ms"),
        lambda settings: _is_ttl_above_interval(settings) and settings.cache_ttl_ms < _comfortable_ttl_ms(settings),
        "the cache TTL is below 10000, or so short that one failed refresh cycle can empty the cache",
        _comfortable_ttl_ms,
    ),
    Rule(
        102, Severity.WARNING, ("trading_pairs",),
        lambda settings: not settings.trading_pairs,
        "the list is empty, so there is nothing to fetch and nothing to show",
        lambda _: ["BTC/USDT", "ETH/USDT"],
    ),
    Rule(
        103, Severity.WARNING, ("client_stale_threshold_ms", "fetch_interval_ms"),
        lambda settings: settings.client_stale_threshold_ms <= settings.fetch_interval_ms,
        "the page's threshold does not exceed the interval, so every price would turn stale on the page before the "
        "next one comes",
        lambda _: 30_000,
    ),
)  # fmt: skip
