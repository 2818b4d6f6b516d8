"""`GET init`: the fetcher's state from its report in Redis. Pure."""

from typing import Any

from market_data.conf.declarations import MarketDataSettings
from market_data.ticker.availability import age_ms
from market_data.ticker_cache.status import FetcherReading, FetchStats


def init_content(reading: FetcherReading, now_ms: int, settings: MarketDataSettings) -> dict[str, Any]:
    """Return the body of `init`; without any report the figures are zero and the state unavailable."""
    stats = reading.status.stats if reading.status else FetchStats()
    last_fetch_at = stats.last_fetch_time
    cache_age_ms = None if last_fetch_at is None else age_ms(last_fetch_at, now_ms)
    is_cache_stale = cache_age_ms is None or cache_age_ms > settings.cache_stale_ttl_ms
    is_failing = is_cache_stale or stats.last_error is not None
    status = "unavailable" if not reading.is_running else "degraded" if is_failing else "ok"
    return {
        "status": status,
        "fetcher": {
            "isRunning": reading.is_running,
            "stats": {
                "lastFetchTime": last_fetch_at,
                "lastFetchDurationMs": stats.last_fetch_duration_ms,
                "fetchAttempts": stats.fetch_attempts,
                "fetchSuccesses": stats.fetch_successes,
                "fetchErrors": stats.fetch_errors,
                "lastError": stats.last_error,
            },
            "health": {
                "isRunning": reading.is_running,
                "cacheAge": cache_age_ms,
                "isCacheStale": is_cache_stale,
                "fetchSuccessRate": success_rate(stats),
                "lastErrorMessage": stats.last_error,
            },
        },
    }


def success_rate(stats: FetchStats) -> float | None:
    """Return the share of refresh cycles that brought a fresh price, or None before the first."""
    if not stats.fetch_attempts:
        return None
    successes = min(max(0, stats.fetch_successes), stats.fetch_attempts)  # whatever a report in Redis claims
    return round(successes / stats.fetch_attempts, 4)
