"""How much of an exchange's request weight a minute is used, and whether another request fits in. Pure."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from market_data.exchanges.errors import RateLimitedError
from market_data.exchanges.response import HttpResponse

_WINDOW_SECONDS = 60.0
_WINDOW_MARGIN_SECONDS = 1.0

# From this share of the limit on, only every second, third or no refresh cycle is made. Three intervals still fit
# into the life of a price.
_PACES = ((0.95, None), (0.90, 3), (0.80, 2))


@dataclass(frozen=True, slots=True)
class WeightSnapshot:
    """The quota at one instant; `used` is None before the exchange's first word."""

    used: int | None
    limit: int
    retry_after_seconds: float


class RequestWeightBudget:
    """Follows the exchange's own count, which includes everybody behind this address, and keeps below the limit."""

    def __init__(self, limit: int, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._limit = limit
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

    def release(self, weight: int, used: int | None, response: HttpResponse | None) -> None:
        """End a reservation; `used` is the exchange's count in its response, None where it brought none."""
        with self._lock:
            self._under_way -= weight
            if used is None:
                # The exchange may have counted what it did not answer; its next answer tells.
                self._used = None if self._used is None else self._used + weight
            else:
                self._used = used
                self._window_ends_at = self._monotonic() + _rest_of_window_seconds(response)

    def cycles_per_refresh(self) -> int | None:
        """Return 1 where every refresh cycle may be made, 2 or 3 near the limit, None at it."""
        with self._lock:
            share = self._expected() / self._limit
        return next((pace for threshold, pace in _PACES if share >= threshold), 1)

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


def _rest_of_window_seconds(response: HttpResponse | None) -> float:
    """Return the rest of the exchange's current minute by its own clock, a whole minute where it sends no `Date`."""
    if response is None or "date" not in response.headers:
        return _WINDOW_SECONDS
    return _WINDOW_SECONDS - (response.exchange_now_ms // 1000) % 60 + _WINDOW_MARGIN_SECONDS
