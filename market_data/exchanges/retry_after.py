"""Obedience to 429 and 418: no request to any host of the exchange before the wait is over. Pure."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from market_data.exchanges.backoff import ExponentialBackoff
from market_data.exchanges.errors import BannedError, RateLimitedError

MAX_RATE_LIMIT_WAIT_SECONDS = 600.0
UNKNOWN_BAN_SECONDS = 120.0
MAX_BAN_SECONDS = 3 * 24 * 3600.0
_SHORTEST_SENSIBLE_SECONDS = 1.0
_BAN_END = re.compile(r"until (\d{13})\b")


def retry_after_seconds(text: str | None, exchange_now_ms: int) -> float | None:
    """Return what `Retry-After` asks for, in seconds or as an HTTP date; None where it makes no sense."""
    if text is None:
        return None
    stripped = text.strip()
    if re.fullmatch(r"\d{1,18}(\.\d{1,9})?", stripped, re.ASCII):
        seconds = float(stripped)
        return seconds if seconds >= _SHORTEST_SENSIBLE_SECONDS else None
    try:
        seconds = parsedate_to_datetime(stripped).timestamp() - exchange_now_ms / 1000
    except (ValueError, OverflowError):
        return None
    return seconds if seconds > 0 else None


def ban_end_ms(message: str) -> int | None:
    """Return the Unix ms that a ban's message names."""
    match = _BAN_END.search(message)
    return int(match[1]) if match else None


@dataclass(frozen=True, slots=True)
class PauseSnapshot:
    """The wait at one instant, in seconds from now; zero where there is none."""

    rate_limit_seconds: float
    ban_seconds: float


class ExchangePause:
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

    def rate_limited(self, seconds: float | None) -> float:
        """Begin a wait after a 429 and return its length; the own floor stands in for what makes no sense."""
        with self._lock:
            # Requests that were under way together get their 429s together: that is one reason to wait.
            if self._rate_limits_in_a_row == 0 or self._monotonic() >= self._rate_limited_until:
                self._rate_limits_in_a_row += 1
            floor = self._floor.delay_seconds(self._rate_limits_in_a_row)
            wait = min(MAX_RATE_LIMIT_WAIT_SECONDS, floor if seconds is None else seconds)
            self._rate_limited_until = max(self._rate_limited_until, self._monotonic() + wait)
            return wait

    def banned(self, seconds: float | None) -> float:
        """Begin a ban after a 418 and return its length: two minutes, the shortest known, where none is named."""
        wait = min(MAX_BAN_SECONDS, UNKNOWN_BAN_SECONDS if seconds is None else seconds)
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

    def snapshot(self) -> PauseSnapshot:
        """Return what is left of both waits."""
        now = self._monotonic()
        with self._lock:
            return PauseSnapshot(max(0.0, self._rate_limited_until - now), max(0.0, self._banned_until - now))
