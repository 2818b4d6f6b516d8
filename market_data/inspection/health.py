"""`GET health`: whether this process can serve, and how well it is supplied. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from market_data.conf.declarations import MarketDataSettings
from market_data.inspection.exchange_reasons import exchange_notes, exchange_troubles, price_doubts
from market_data.ticker.availability import PriceState
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.source import Source
from market_data.ticker_cache.clock import ClockStatus
from market_data.ticker_cache.prices import CacheReading
from market_data.ticker_cache.status import (
    BackoffStatus,
    CircuitStatus,
    ExchangeStatus,
    FetcherReading,
    FetcherStatus,
    RateLimitStatus,
)

SIMULATED = "Prices are simulated: they come from the exchange simulator."


def health_content(
    prices: CacheReading,
    fetcher: FetcherReading,
    now_ms: int,
    own_clock: ClockStatus,
    settings: MarketDataSettings,
) -> dict[str, Any]:
    """Return the body of `health` where Redis answers: `healthy` or `degraded`, with reasons in words."""
    pairs = pair_counts(prices, fetcher.status, now_ms, settings)
    doubts = price_doubts(fetcher.status, settings)
    problems = _problems(fetcher, pairs, now_ms) + doubts
    notes = _notes(prices.source, fetcher.status, now_ms) + clock_faults(fetcher.status, own_clock)
    return {
        "status": "degraded" if problems else "healthy",
        "reasons": problems + notes,
        "cache": {"isReachable": True, "error": None},
        "aggregator": _aggregator(fetcher, doubts),
        "pairs": pairs,
    }


def unhealthy_content(reason: str, settings: MarketDataSettings) -> dict[str, Any]:
    """Return the body of `health` where Redis cannot be read and so nothing can be served."""
    configured = len(settings.trading_pairs)
    return {
        "status": "unhealthy",
        "reasons": [f"The cache cannot be reached: {reason}."],
        "cache": {"isReachable": False, "error": reason},
        "aggregator": _aggregator(None),
        "pairs": {"configured": configured, "fresh": 0, "stale": 0, "missing": configured, "outcomes": {}},
    }


def pair_counts(
    prices: CacheReading, status: FetcherStatus | None, now_ms: int, settings: MarketDataSettings
) -> dict[str, Any]:
    """Return how many pairs are configured, fresh, stale and missing, and the outcomes that are not `ok`."""
    pairs = settings.trading_pairs
    counts = Counter(prices.availability(pair, now_ms, settings).state for pair in pairs)
    outcomes = {
        pair: pair_status.outcome
        for pair, pair_status in (status.pairs if status else {}).items()
        if pair_status.outcome not in (None, PairOutcome.OK)
    }
    states = (PriceState.FRESH, PriceState.STALE, PriceState.MISSING)
    return {"configured": len(pairs), **{str(state): counts[state] for state in states}, "outcomes": outcomes}


def _notes(source: Source, status: FetcherStatus | None, now_ms: int) -> list[str]:
    """Return what an operator should know though nothing is wrong."""
    notes = [SIMULATED] if source is Source.SIMULATOR else []
    return notes + exchange_notes(status, now_ms) if status else notes


def clock_faults(status: FetcherStatus | None, own_clock: ClockStatus) -> list[str]:
    """Return a sentence for each host whose clock is wrong. No age depends on it, so the service is healthy."""
    clocks = (status.clock if status else ClockStatus(), own_clock)
    faults = {clock.host: clock.fault for clock in clocks if clock.fault}
    return list(faults.values())


def _problems(fetcher: FetcherReading, pairs: dict[str, Any], now_ms: int) -> list[str]:
    status = fetcher.status
    candidates = [(not fetcher.is_running, "No fetcher is running.")]
    for state in ("missing", "stale"):
        candidates.append((pairs[state] > 0, f"Pairs {state}: {pairs[state]} of {pairs['configured']}."))
    if status and status.stats.last_error is not None:
        candidates.append((True, f"The last refresh cycle failed: {status.stats.last_error}."))
    problems = [sentence for is_true, sentence in candidates if is_true]
    return problems + exchange_troubles(status, now_ms) if status else problems


def _aggregator(fetcher: FetcherReading | None, doubts: Sequence[str] = ()) -> dict[str, Any]:
    status = fetcher.status if fetcher else None
    return {
        "circuitBreaker": msgspec.to_builtins(status.circuit_breaker if status else CircuitStatus()),
        "rateLimit": msgspec.to_builtins(status.rate_limit if status else RateLimitStatus()),
        "exchange": msgspec.to_builtins(status.exchange if status else ExchangeStatus()),
        "exchanges": msgspec.to_builtins(dict(status.by_exchange()) if status else {}),
        "priceDoubts": doubts,
        "backoff": msgspec.to_builtins(status.backoff if status else BackoffStatus()),
        "lease": {
            "holder": _holder(fetcher.lease_token) if fetcher else None,
            "isHeld": fetcher is not None and fetcher.is_running,
        },
    }


def _holder(lease_token: str | None) -> str | None:
    """Return host and process id of the active fetcher; the rest of its token is nobody else's business."""
    return (lease_token or "").rpartition(":")[0] or None
