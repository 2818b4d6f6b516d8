"""Values that are right one by one and wrong together, each with what to write instead. Pure."""

from market_data.conf.declarations import MarketDataSettings
from market_data.conf.problems import Problem

MIN_COMFORTABLE_CACHE_TTL_MS = 10_000


def contradictions(settings: MarketDataSettings) -> list[Problem]:
    """Return every pair of values that contradict each other, errors and warnings."""
    is_ttl_too_short = settings.cache_ttl_ms <= settings.fetch_interval_ms
    return [
        problem
        for is_broken, problem in (
            (is_ttl_too_short, _ttl_below_interval(settings)),
            (not is_ttl_too_short and settings.cache_stale_ttl_ms >= settings.cache_ttl_ms, _stale_above_ttl(settings)),
            (settings.last_known_ttl_ms < settings.cache_ttl_ms, _last_known_below_ttl(settings)),
            (
                not is_ttl_too_short and settings.cache_ttl_ms < _comfortable_ttl_ms(settings),
                _ttl_uncomfortable(settings),
            ),
            (not settings.trading_pairs, _no_pairs()),
            (settings.client_stale_threshold_ms <= settings.fetch_interval_ms, _page_never_calm(settings)),
        )
        if is_broken
    ]


def _comfortable_ttl_ms(settings: MarketDataSettings) -> int:
    return max(MIN_COMFORTABLE_CACHE_TTL_MS, 2 * settings.fetch_interval_ms + settings.cycle_deadline_ms)


def _ttl_below_interval(settings: MarketDataSettings) -> Problem:
    return Problem(
        "market_data.E101",
        f"MARKET_DATA_CACHE_TTL_MS ({settings.cache_ttl_ms}) does not exceed MARKET_DATA_FETCH_INTERVAL_MS "
        f"({settings.fetch_interval_ms}): every price would expire before the next one comes.",
        f"Write for example MARKET_DATA_CACHE_TTL_MS={_comfortable_ttl_ms(settings)}",
    )


def _stale_above_ttl(settings: MarketDataSettings) -> Problem:
    return Problem(
        "market_data.E102",
        f"MARKET_DATA_CACHE_STALE_TTL_MS ({settings.cache_stale_ttl_ms}) is not below MARKET_DATA_CACHE_TTL_MS "
        f"({settings.cache_ttl_ms}): no price could ever be stale.",
        f"Write for example MARKET_DATA_CACHE_STALE_TTL_MS={max(1, settings.cache_ttl_ms // 3)}",
    )


def _last_known_below_ttl(settings: MarketDataSettings) -> Problem:
    return Problem(
        "market_data.E103",
        f"MARKET_DATA_LAST_KNOWN_TTL_MS ({settings.last_known_ttl_ms}) is below MARKET_DATA_CACHE_TTL_MS "
        f"({settings.cache_ttl_ms}): the last known price would be gone before the current one.",
        f"Write for example MARKET_DATA_LAST_KNOWN_TTL_MS={max(86_400_000, settings.cache_ttl_ms)}",
    )


def _ttl_uncomfortable(settings: MarketDataSettings) -> Problem:
    return Problem(
        "market_data.W101",
        f"MARKET_DATA_CACHE_TTL_MS ({settings.cache_ttl_ms}) is so short that one failed refresh cycle can empty "
        "the cache.",
        f"Write MARKET_DATA_CACHE_TTL_MS={_comfortable_ttl_ms(settings)} or more",
    )


def _no_pairs() -> Problem:
    return Problem(
        "market_data.W102",
        "TRADING_PAIRS is an empty list: there is nothing to fetch and nothing to show.",
        'Write for example TRADING_PAIRS=["BTC/USDT","ETH/USDT"]',
    )


def _page_never_calm(settings: MarketDataSettings) -> Problem:
    return Problem(
        "market_data.W103",
        f"MARKET_DATA_CLIENT_STALE_THRESHOLD_MS ({settings.client_stale_threshold_ms}) does not exceed "
        f"MARKET_DATA_FETCH_INTERVAL_MS ({settings.fetch_interval_ms}): every price would turn stale on the page "
        "before the next one comes.",
        "Write for example MARKET_DATA_CLIENT_STALE_THRESHOLD_MS=30000",
    )
