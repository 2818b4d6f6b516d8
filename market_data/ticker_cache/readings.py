"""What a read of the cache found. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from market_data.ticker.record import StoredTicker
from market_data.ticker.source import Source
from market_data.ticker_cache.status import FetcherStatus


@dataclass(frozen=True, slots=True)
class CacheReading:
    """What the cache held for the pairs asked for; pairs without a usable record are absent."""

    current: Mapping[str, StoredTicker]
    last_known: Mapping[str, StoredTicker]
    source: Source


@dataclass(frozen=True, slots=True)
class FetcherReading:
    """The last report of a fetcher and whether one is alive: the lease outlives it by seconds only."""

    status: FetcherStatus | None
    is_running: bool
    source: Source
    lease_token: str | None = None


@dataclass(frozen=True, slots=True)
class CacheLives:
    """What is left of lives, in ms: of the current prices by pair, and of the lease. Without an end is absent."""

    prices_ms: Mapping[str, int]
    lease_ms: int | None


@dataclass(frozen=True, slots=True)
class LeaseReading:
    """The lease as it lies in Redis: its holder, how long it lives on, and who gave it back last."""

    holder: str | None
    remaining_ms: int
    released_by: str | None


def stored_tickers(pairs: Sequence[str], values: Sequence[bytes | None]) -> dict[str, StoredTicker]:
    """Return the records among the values that lay under the pairs' keys."""
    found = (StoredTicker.from_raw(pair, raw) for pair, raw in zip(pairs, values, strict=True))
    return {ticker.pair: ticker for ticker in found if ticker is not None}
