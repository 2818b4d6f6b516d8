"""What requests cost of the exchange's quota, and how much of it is left. Pure.

Source of the weights: Binance's REST documentation, `ticker/24hr` and `exchangeInfo`, state of 2026-07.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from market_data.exchanges.errors import RateLimitedError

EXCHANGE_INFO_WEIGHT = 20
DEFAULT_LIMIT_PER_MINUTE = 6000
_TICKER_WEIGHTS = ((20, 2), (100, 40))
WHOLE_MARKET_WEIGHT = 80
_WINDOW_SECONDS = 60.0

# From this share of the limit on, only every second, third or no refresh cycle is made. Three intervals still fit
# into the life of a price.
_PACES = ((0.95, None), (0.90, 3), (0.80, 2))


def ticker_weight(symbol_count: int | None) -> int:
    """Return the weight of one `ticker/24hr` request for this many symbols, None for one that names none."""
    if symbol_count is not None:
        for most_symbols, weight in _TICKER_WEIGHTS:
            if symbol_count <= most_symbols:
                return weight
    return WHOLE_MARKET_WEIGHT


@dataclass(frozen=True, slots=True)
class WeightSnapshot:
    """The quota at one instant; `used` is None before the exchange's first word."""

    used: int | None
    limit: int
    retry_after_seconds: float


class RequestWeightBudget:
    """Follows the exchange's own count, which includes everybody behind this address, and keeps below the limit."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._limit = DEFAULT_LIMIT_PER_MINUTE
        self._used: int | None = None
        self._window_ends_at = 0.0
        self._under_way = 0

    def set_limit(self, limit: int) -> None:
        """Take the limit per minute from the exchange's own list of rate limits."""
        with self._lock:
            self._limit = limit

    def reserve(self, weight: int) -> None:
        """Count a request that is about to be sent, or raise `RateLimitedError` where it would come too near."""
        with self._lock:
            expected = self._expected() + weight
            if expected > self._limit * _PACES[0][0]:
                raise RateLimitedError(
                    f"{expected} of {self._limit} request weight a minute would be used",
                    self._seconds_to_next_window(),
                )
            self._under_way += weight

    def release(self, weight: int, used: int | None, seconds_to_next_window: float | None) -> None:
        """End a reservation; `used` is the exchange's count in its answer, None where it brought none."""
        with self._lock:
            self._under_way -= weight
            if used is None:
                # The exchange may have counted what it did not answer; its next answer tells.
                self._used = None if self._used is None else self._used + weight
            else:
                self._used = used
                rest = _WINDOW_SECONDS if seconds_to_next_window is None else seconds_to_next_window
                self._window_ends_at = self._monotonic() + rest

    def cycles_per_refresh(self) -> int | None:
        """Return 1 where every refresh cycle may be made, 2 or 3 near the limit, None at it."""
        with self._lock:
            share = self._expected() / self._limit
        return next((pace for threshold, pace in _PACES if share >= threshold), 1)

    def spare_weight(self) -> int:
        """Return how much weight may still be used this minute before refresh cycles become rarer, at least zero."""
        with self._lock:
            return max(0, int(self._limit * _PACES[-1][0]) - self._expected())

    def snapshot(self) -> WeightSnapshot:
        """Return used weight, limit and the wait, where there is one."""
        with self._lock:
            is_at_limit = self._expected() >= self._limit * _PACES[0][0]
            wait = self._seconds_to_next_window() if is_at_limit else 0.0
            return WeightSnapshot(self._used, self._limit, wait)

    def _expected(self) -> int:
        has_window_ended = self._monotonic() >= self._window_ends_at
        return self._under_way + (0 if self._used is None or has_window_ended else self._used)

    def _seconds_to_next_window(self) -> float:
        return max(0.0, self._window_ends_at - self._monotonic())
