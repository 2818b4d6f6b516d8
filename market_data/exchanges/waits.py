"""Obedience to 429s and bans: no request to any host of the exchange before the wait is over. Pure."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

from market_data.exchanges.backoff import ExponentialBackoff
from market_data.exchanges.errors import BannedError, RateLimitedError
from market_data.exchanges.response import HttpResponse, instant_ms

MAX_RATE_LIMIT_WAIT_SECONDS = 600.0
UNKNOWN_BAN_SECONDS = 120.0
MAX_BAN_SECONDS = 3 * 24 * 3600.0
_SHORTEST_SENSIBLE_SECONDS = 1.0


def asked_wait_seconds(response: HttpResponse) -> float:
    """Return what `Retry-After` asks for, in seconds or as an HTTP date; zero where it makes no sense."""
    text = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,18}(\.\d{1,9})?", text, re.ASCII):
        seconds = float(text)
        return seconds if seconds >= _SHORTEST_SENSIBLE_SECONDS else 0.0
    try:
        return max(0.0, (instant_ms(text) - response.exchange_now_ms) / 1000)
    except (ValueError, OverflowError):
        return 0.0


@dataclass(frozen=True, slots=True)
class WaitsSnapshot:
    """The wait at one instant, in seconds from now; zero where there is none."""

    rate_limit_seconds: float
    ban_seconds: float


class Waits:
    """Until when the exchange wants no request: after a 429, and during a ban (418)."""

    def __init__(self, *, floor: ExponentialBackoff, monotonic: Callable[[], float]) -> None:
        self._floor = floor
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._rate_limited_until = 0.0
        self._banned_until = 0.0
        self._rate_limits_in_a_row = 0

    def check(self) -> None:
        """Raise `BannedError` or `RateLimitedError` while the wait lasts."""
        waits = self.snapshot()
        if waits.ban_seconds > 0:
            raise BannedError("this address is banned by the exchange", waits.ban_seconds)
        if waits.rate_limit_seconds > 0:
            raise RateLimitedError("the exchange asked to wait", waits.rate_limit_seconds)

    def obey(self, error: RateLimitedError) -> RateLimitedError:
        """Begin the wait that an answer asks for, and return the error that tells of the wait as it is kept."""
        seconds = self._ban(error) if isinstance(error, BannedError) else self._rate_limit(error)
        return type(error)(str(error), seconds)

    def _rate_limit(self, error: RateLimitedError) -> float:
        """Begin a wait; the own floor stands in where the exchange named none that makes sense."""
        with self._lock:
            # Requests that were under way together get their 429s together: that is one reason to wait.
            if self._rate_limits_in_a_row == 0 or self._monotonic() >= self._rate_limited_until:
                self._rate_limits_in_a_row += 1
            floor = self._floor.delay_seconds(self._rate_limits_in_a_row)
            wait = min(MAX_RATE_LIMIT_WAIT_SECONDS, error.retry_after_seconds or floor)
            self._rate_limited_until = max(self._rate_limited_until, self._monotonic() + wait)
            return wait

    def _ban(self, error: BannedError) -> float:
        """Begin a ban: two minutes, the shortest known, where none is named."""
        wait = min(MAX_BAN_SECONDS, error.retry_after_seconds or UNKNOWN_BAN_SECONDS)
        with self._lock:
            self._banned_until = max(self._banned_until, self._monotonic() + wait)
        return wait

    def restore(self, *, rate_limit_seconds: float, ban_seconds: float) -> None:
        """Take over the waits of an earlier fetcher, as far as they are not over."""
        now = self._monotonic()
        with self._lock:
            rate_limited_until = now + min(rate_limit_seconds, MAX_RATE_LIMIT_WAIT_SECONDS)
            self._rate_limited_until = max(self._rate_limited_until, rate_limited_until)
            self._banned_until = max(self._banned_until, now + min(ban_seconds, MAX_BAN_SECONDS))

    def answered(self) -> None:
        """Note a regular answer: the next 429 begins at the floor again."""
        with self._lock:
            self._rate_limits_in_a_row = 0

    def snapshot(self) -> WaitsSnapshot:
        """Return what is left of both waits."""
        now = self._monotonic()
        with self._lock:
            return WaitsSnapshot(max(0.0, self._rate_limited_until - now), max(0.0, self._banned_until - now))
