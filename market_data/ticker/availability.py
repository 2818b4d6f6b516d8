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
        return self.ticker.raw if self.is_current else self.ticker.raw_marked_stale


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
    waits_until_ms = NO_END_MS
    newest: tuple[int, StoredTicker] | None = None
    for ticker in (current, last_known):
        if ticker is None:
            continue
        age = now_ms - ticker.received_at_ms
        if age < -CLOCK_TOLERANCE_MS:
            waits_until_ms = min(waits_until_ms, ticker.received_at_ms - CLOCK_TOLERANCE_MS - 1)
            continue
        age = max(0, age)
        if ticker is current and age <= lives.cache_ttl_ms:
            state = PriceState.FRESH if age <= lives.cache_stale_ttl_ms else PriceState.STALE
            return Availability(state, ticker, age, ticker.received_at_ms + lives.cache_ttl_ms)
        if newest is None or age < newest[0]:
            newest = age, ticker
    oldest_ms = lives.cache_ttl_ms + max_stale_ms
    if max_stale_ms and newest is not None and newest[0] <= oldest_ms:
        age, ticker = newest
        return Availability(PriceState.EXPIRED, ticker, age, min(ticker.received_at_ms + oldest_ms, waits_until_ms))
    return Availability(PriceState.MISSING, None, None, waits_until_ms)
