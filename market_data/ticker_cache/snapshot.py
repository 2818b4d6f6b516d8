"""What the cache held at one instant, shared by all requests of a process for a quarter of a second at most."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.core.signals import setting_changed

from market_data.conf.loading import get_settings
from market_data.ticker.source import Source
from market_data.ticker_cache.bounded_memo import BoundedMemo
from market_data.ticker_cache.cache import TickerCache, open_ticker_cache
from market_data.ticker_cache.errors import CacheUnavailableError
from market_data.ticker_cache.prices import NO_PRICES, CacheReading

_MAX_MEMO_ENTRIES = 256
_MAX_MEMO_BYTES = 4 * 1024 * 1024
_ATTEMPTS = 3


def _new_memo() -> BoundedMemo[Any]:
    return BoundedMemo(max_entries=_MAX_MEMO_ENTRIES, max_bytes=_MAX_MEMO_BYTES)


@dataclass(frozen=True, slots=True)
class PriceSnapshot:
    """The current and the last known records of the configured pairs at one instant, or the reason why Redis gave none.

    `read_at` is when the read began, in monotonic seconds; of a failed read, its end. `memo` holds what was worked out
    of this snapshot and goes with it.
    """

    reading: CacheReading
    source: Source | None
    read_at: float = 0.0
    read_seconds: float = 0.0
    unreachable: str | None = None
    memo: BoundedMemo[Any] = field(default_factory=_new_memo, compare=False)


class PriceSnapshots:
    """The process's latest snapshot of the configured pairs, renewed when a reader asks and it is older than allowed.

    One request at a time reads Redis; those who come meanwhile wait for it, or are told at once while Redis is known
    to be out of reach. A failure counts as a snapshot: Redis is asked once an interval then too.
    """

    def __init__(
        self,
        cache: TickerCache,
        pairs: Sequence[str],
        *,
        max_age_ms: int,
        monotonic: Callable[[], float],
    ) -> None:
        self._cache = cache
        self._pairs = tuple(pairs)
        self._max_age_seconds = max_age_ms / 1000
        self._monotonic = monotonic
        self._clock = cache.clock
        self._lock = threading.Lock()
        self._latest: PriceSnapshot | None = None

    def current(self) -> tuple[PriceSnapshot, int]:
        """Return a snapshot and the time of now, Unix ms, at which it is not older than allowed.

        Where one read of Redis takes longer than that, the snapshot is of a read that ended after the request had come.
        """
        latest = self._latest
        now = self._monotonic()  # once the snapshot was there, for a thread may be held up anywhere
        if latest is not None and now - latest.read_at <= self._max_age_seconds:
            return latest, self._clock.at_ms(now)
        return self._renewed()

    def _renewed(self) -> tuple[PriceSnapshot, int]:
        snapshot, now_ms = self._flight()
        for _ in range(1, _ATTEMPTS):
            is_slow = snapshot.read_seconds > self._max_age_seconds
            if is_slow or snapshot.unreachable is not None or self._is_young(snapshot):
                break
            snapshot, now_ms = self._flight()
        return snapshot, now_ms

    def _flight(self) -> tuple[PriceSnapshot, int]:
        came_at, known = self._monotonic(), self._latest
        if known is not None and known.unreachable is not None:
            if not self._lock.acquire(blocking=False):
                return known, self._clock.now_ms()
        else:
            self._lock.acquire()
        try:
            latest = self._latest
            # Whoever comes during a read gets what it brings, also where it takes long.
            is_fresh = latest and (latest.read_at + latest.read_seconds >= came_at or self._is_young(latest))
            if latest is None or not is_fresh:
                latest = self._latest = self._read(self._pairs)
        finally:
            self._lock.release()
        return latest, self._clock.now_ms()

    def _is_young(self, snapshot: PriceSnapshot) -> bool:
        return self._monotonic() - snapshot.read_at <= self._max_age_seconds

    def _read(self, pairs: Sequence[str]) -> PriceSnapshot:
        began_at = self._monotonic()
        try:
            reading = self._cache.read(pairs, include_last_known=True)
        except CacheUnavailableError as error:
            source = self._cache.last_source
            return PriceSnapshot(NO_PRICES, source, self._monotonic(), 0.0, str(error))
        return PriceSnapshot(reading, reading.source, began_at, self._monotonic() - began_at)


@lru_cache(maxsize=1)
def open_price_snapshots() -> PriceSnapshots:
    """Return the process's one keeper of snapshots; it reads at the first request."""
    settings = get_settings()
    return PriceSnapshots(
        open_ticker_cache(),
        settings.trading_pairs,
        max_age_ms=settings.snapshot_ms,
        monotonic=time.monotonic,
    )


def _forget_snapshots(**_: object) -> None:
    open_price_snapshots.cache_clear()


setting_changed.connect(_forget_snapshots)
