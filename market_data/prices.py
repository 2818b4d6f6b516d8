"""Prices for server-side code: read from the cache, without HTTP, and never from the exchange.

from market_data.prices import get_prices
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from market_data.conf.loading import get_settings
from market_data.ticker.availability import Availability
from market_data.ticker.pairs import EXAMPLE, normalise_pairs
from market_data.ticker.pairs import InvalidPairError as InvalidPairError
from market_data.ticker_cache.cache import open_ticker_cache
from market_data.ticker_cache.errors import CacheUnavailableError as CacheUnavailableError


@dataclass(frozen=True, slots=True)
class Price:
    """A pair's price with its 24 h statistics, in the exchange's own digits, and how old it was when it was read.

    `price`, `high_24h` and `low_24h` are in the quote asset, `volume` is in the base asset. `received_at_ms` is the
    Unix time at which the exchange's answer was complete; `age_ms` counts from there by Redis' clock. `is_stale` marks
    a price past its life in the cache, as `"stale": true` does in the API. `exchange` is who gave the price, like
    `kraken`; None where an earlier version of the service wrote it.
    """

    pair: str
    price: Decimal
    volume: Decimal
    change_24h_percent: Decimal
    high_24h: Decimal
    low_24h: Decimal
    received_at_ms: int
    age_ms: int
    is_stale: bool
    exchange: str | None


def get_prices(pairs: Iterable[str], max_stale_ms: int = 0) -> Mapping[str, Price]:
    """Return the cached price of each pair, in the order asked for; pairs without one, or not configured, are absent.

    The keys are the pairs as the API writes them, `BTC/USDT`, each once. With `max_stale_ms` a last known price that is
    up to that many ms past its life stands in for a missing one. Raises `InvalidPairError`, a `ValueError`, for what is
    no pair, `ValueError` for an impossible `max_stale_ms`, and `CacheUnavailableError` where Redis cannot be read.
    """
    wanted = _wanted(pairs)
    if isinstance(max_stale_ms, bool) or not isinstance(max_stale_ms, int) or max_stale_ms < 0:
        raise ValueError(f"max_stale_ms is {max_stale_ms!r}; write a whole number of milliseconds, zero or more")
    settings = get_settings()
    wanted = tuple(pair for pair in wanted if pair in settings.trading_pairs)
    if not wanted:
        return {}
    cache = open_ticker_cache()
    reading = cache.read(wanted, include_last_known=max_stale_ms > 0)
    now_ms = cache.clock.now_ms()
    found = {pair: reading.availability(pair, now_ms, settings, max_stale_ms) for pair in wanted}
    return {pair: price for pair, one in found.items() if (price := _price(one)) is not None}


def _wanted(pairs: Iterable[str]) -> tuple[str, ...]:
    if isinstance(pairs, str | bytes):
        raise ValueError(f'pairs is one text; write a list of pairs, like ["{EXAMPLE}"]')
    texts = tuple(pairs)
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"{text!r} is not a text; write pairs like {EXAMPLE!r}")
    return normalise_pairs(texts)


def _price(found: Availability) -> Price | None:
    if found.ticker is None or found.age_ms is None:
        return None
    record = found.ticker.decode()
    return Price(
        pair=record.pair,
        price=record.price,
        volume=record.volume,
        change_24h_percent=record.change_24h_percent,
        high_24h=record.high_24h,
        low_24h=record.low_24h,
        received_at_ms=record.received_at_ms,
        age_ms=found.age_ms,
        is_stale=not found.is_current,
        exchange=record.exchange,
    )
