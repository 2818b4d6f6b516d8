"""Which record stands for a pair now: the only copy of this rule. Pure."""

from enum import StrEnum
from typing import Protocol

import msgspec

from market_data.ticker.record import StoredTicker

CLOCK_TOLERANCE_MS = 1_000
"""Two clocks that are no further apart count as one, and what seems to be that young as brand-new."""
NO_END_MS = 2**63


class PriceState(StrEnum):
    """What stands for a pair: a current price within its life, an old one that the reader accepts, or none."""

    FRESH = "fresh"
    STALE = "stale"
    EXPIRED = "expired"
    MISSING = "missing"


class PriceLives(Protocol):
    """The settings that the rule needs, in ms."""

    @property
    def cache_stale_ttl_ms(self) -> int: ...

    @property
    def cache_ttl_ms(self) -> int: ...


class Availability(msgspec.Struct, frozen=True):
    """The record that stands for a pair, with its age in ms, and until when (Unix ms, included) it does so.

    From fresh to stale the same record stands, so `until_ms` is the end of both.
    """

    state: PriceState
    ticker: StoredTicker | None
    age_ms: int | None
    until_ms: int

    @property
    def is_current(self) -> bool:
        return self.state is PriceState.FRESH or self.state is PriceState.STALE

    @property
    def raw(self) -> bytes | None:
        """The record's JSON text as it is served: marked where it is not current."""
        if self.ticker is None:
            return None
        return self.ticker.raw_marked_stale if self.state is PriceState.EXPIRED else self.ticker.raw


def age_ms(instant_ms: int, now_ms: int) -> int | None:
    """Return how long ago an instant was; None for the future, which only another clock can have written."""
    age = now_ms - instant_ms
    return max(0, age) if age >= -CLOCK_TOLERANCE_MS else None


def availability(
    current: StoredTicker | None,
    last_known: StoredTicker | None,
    now_ms: int,
    lives: PriceLives,
    max_stale_ms: int = 0,
) -> Availability:
    """Return what stands for a pair now; `max_stale_ms` is how far past its life the reader accepts a price.

    A record counts by its own time alone, for however long Redis keeps it. A last known price is never current.
    """
    if current is not None:
        age = now_ms - current.received_at_ms
        if -CLOCK_TOLERANCE_MS <= age <= lives.cache_ttl_ms:
            state = PriceState.FRESH if age <= lives.cache_stale_ttl_ms else PriceState.STALE
            return Availability(state, current, max(0, age), current.received_at_ms + lives.cache_ttl_ms)
    return _without_current_price((current, last_known), now_ms, lives.cache_ttl_ms, max_stale_ms)


def _without_current_price(
    tickers: tuple[StoredTicker | None, ...], now_ms: int, cache_ttl_ms: int, max_stale_ms: int
) -> Availability:
    until_ms = NO_END_MS
    newest: StoredTicker | None = None
    for ticker in tickers:
        if ticker is None:
            continue
        if ticker.received_at_ms > now_ms + CLOCK_TOLERANCE_MS:
            until_ms = min(until_ms, ticker.received_at_ms - CLOCK_TOLERANCE_MS - 1)
        elif newest is None or ticker.received_at_ms > newest.received_at_ms:
            newest = ticker
    if max_stale_ms and newest is not None:
        ends_at_ms = newest.received_at_ms + cache_ttl_ms + max_stale_ms
        if now_ms <= ends_at_ms:
            age = max(0, now_ms - newest.received_at_ms)
            return Availability(PriceState.EXPIRED, newest, age, min(ends_at_ms, until_ms))
    return Availability(PriceState.MISSING, None, None, until_ms)
