"""The component of prices, for the dashboard, the template tag and the fragment that `<market-prices>` asks for."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from market_data.conf.declarations import MarketDataSettings
from market_data.dashboard.presentation import market_prices, shown_prices
from market_data.inspection.health import health_content, unhealthy_content
from market_data.ticker.availability import Availability
from market_data.ticker.source import Source
from market_data.ticker_cache.cache import open_ticker_cache
from market_data.ticker_cache.errors import CacheUnavailableError
from market_data.ticker_cache.prices import NO_PRICES, CacheReading
from market_data.ticker_cache.status import FetcherStatus


@dataclass(frozen=True)
class Component:
    """What the template `market_data/market_prices.html` is rendered with, and where its prices come from."""

    context: Mapping[str, Any]
    source: Source | None
    """None where the cache cannot be reached."""
    now_ms: int
    """When it was read, by Redis' clock."""
    problem: str = ""
    """What is wrong with the pairs that were named, in a sentence."""

    @property
    def is_empty(self) -> bool:
        """Whether none of the pairs that were named is configured."""
        return bool(self.problem) and not self.context["config"]["pairs"]


def read_component(settings: MarketDataSettings, pairs: Sequence[str] | None = None, **more_config: Any) -> Component:
    """Read the cache once and return the component of `pairs`, which are normalised; None means all configured pairs.

    Pairs that are not configured are left out and named in a sentence. `more_config` is given to the script as it is.
    """
    named = settings.trading_pairs if pairs is None else pairs
    known = tuple(pair for pair in named if pair in settings.trading_pairs)
    problem = _unknown([pair for pair in named if pair not in known], settings)
    reading, fetcher_status, reasons, doubts, now_ms = _read(settings)
    source = reading.source if reading else None
    shown = shown_prices(known, reading or NO_PRICES, now_ms, settings)
    prices = market_prices(shown, fetcher_status, settings.client_stale_threshold_ms)
    config = _config(settings, shown, source or Source.BINANCE, fetcher_status, now_ms)
    context = {
        "prices": prices,
        "problem": problem,
        "reasons": " ".join(reasons if prices.status == "unavailable" else doubts),
        "is_simulated": source is Source.SIMULATOR,
        "updated_at": _updated_at(now_ms) if any(found.is_current for found in shown.values()) else "",
        "config": {
            **config,
            "priceDoubts": " ".join(doubts),
            "hasAliases": any(card.alias for card in prices.cards),
            "problem": problem,
            **more_config,
        },
    }
    return Component(context, source, now_ms, problem)


def _unknown(pairs: Sequence[str], settings: MarketDataSettings) -> str:
    """Return what is said about pairs that are not configured; of none, nothing."""
    if not pairs:
        return ""
    is_one = len(pairs) == 1
    few = ", ".join(settings.trading_pairs[:4]) + (", …" if len(settings.trading_pairs) > 4 else "")
    return (
        f"{', '.join(pairs)} {'is' if is_one else 'are'} not configured on this server. Add "
        f"{'it' if is_one else 'them'} to TRADING_PAIRS there, or write a pair that it has: {few or 'none yet'}."
    )


def _read(
    settings: MarketDataSettings,
) -> tuple[CacheReading | None, FetcherStatus | None, Sequence[str], Sequence[str], int]:
    """Return the cache's prices, the fetcher's report, what is wrong and which prices to doubt, and the time."""
    cache = open_ticker_cache()
    clock = cache.clock
    try:
        reading = cache.read(settings.trading_pairs, include_last_known=True)
        fetcher = cache.read_fetcher()
    except CacheUnavailableError as error:
        return None, None, unhealthy_content(str(error), settings)["reasons"], (), clock.now_ms()
    now_ms = clock.now_ms()
    health = health_content(reading, fetcher, now_ms, clock.status(), settings)
    return reading, fetcher.status, health["reasons"], health["aggregator"]["priceDoubts"], now_ms


def _config(
    settings: MarketDataSettings,
    shown: Mapping[str, Availability],
    source: Source,
    fetcher_status: FetcherStatus | None,
    now_ms: int,
) -> Mapping[str, Any]:
    """Return what the page's script starts from; `records` is JSON text, so that no digit is lost on the way."""
    pairs = tuple(shown)
    records = (f'"{pair}":{raw.decode()}' for pair, found in shown.items() if (raw := found.raw))
    return {
        "pairs": pairs,
        "usesConfiguredPairs": pairs == settings.trading_pairs,
        "maxPairsPerRequest": settings.max_pairs_per_request,
        "pollIntervalMs": settings.client_poll_interval_ms,
        "fetchIntervalMs": fetcher_status.interval_ms if fetcher_status else settings.fetch_interval_ms,
        "staleThresholdMs": settings.client_stale_threshold_ms,
        "pricesUrl": reverse("market_data:prices"),
        "healthUrl": reverse("market_data:health"),
        "pairsUrl": reverse("market_data:pairs"),
        "historyUrl": reverse("market_data:history"),
        "hasPairListing": fetcher_status is not None,
        "serverTimeMs": now_ms,
        "source": source.value,
        "records": f"{{{','.join(records)}}}",
        "missing": [pair for pair, found in shown.items() if not found.is_current],
    }


def _updated_at(now_ms: int) -> str:
    return time.strftime("Updated %H:%M:%S UTC", time.gmtime(now_ms // 1000))
