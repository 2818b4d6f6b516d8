"""Request weight: what requests cost, the count of a minute, 429 beyond the limit, and the ban of those who go on."""

from collections.abc import Mapping
from dataclasses import dataclass

MINUTE_MS = 60_000
BAN_AFTER_REFUSALS = 10
SHORTEST_BAN_MS = 2 * MINUTE_MS
LONGEST_BAN_MS = 3 * 24 * 60 * MINUTE_MS
UNKNOWN_PATH_WEIGHT = 1

PING, TIME = "/api/v3/ping", "/api/v3/time"
EXCHANGE_INFO, TICKER_24HR = "/api/v3/exchangeInfo", "/api/v3/ticker/24hr"
KLINES, UI_KLINES = "/api/v3/klines", "/api/v3/uiKlines"

_FLAT_WEIGHTS: Mapping[str, int] = {PING: 1, TIME: 1, EXCHANGE_INFO: 20, KLINES: 2, UI_KLINES: 2}
_TICKER_WEIGHTS = ((20, 2), (100, 40))
_WHOLE_MARKET_WEIGHT = 80


def request_weight(path: str, symbol_count: int | None) -> int:
    """Return what a request costs; `symbol_count` is None where it names no symbols."""
    if path != TICKER_24HR:
        return _FLAT_WEIGHTS.get(path, UNKNOWN_PATH_WEIGHT)
    if symbol_count is not None:
        for most_symbols, weight in _TICKER_WEIGHTS:
            if symbol_count <= most_symbols:
                return weight
    return _WHOLE_MARKET_WEIGHT


@dataclass(frozen=True)
class Verdict:
    """What the count says about one request; `retry_after_seconds` and `ban_until_ms` are set on a refusal."""

    used_weight: int
    retry_after_seconds: int | None = None
    ban_until_ms: int | None = None

    @property
    def is_refused(self) -> bool:
        return self.retry_after_seconds is not None


class WeightCounter:
    """Counts by the calendar minute of the clock that it is given, in Unix ms."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.reset()

    def reset(self) -> None:
        """Forget count, refusals and bans."""
        self._minute = 0
        self._used = 0
        self._refusals = 0
        self._ban_until_ms = 0
        self._bans = 0

    def count(self, weight: int, now_ms: int, set_to: int | None = None) -> Verdict:
        """Count a request; `set_to` makes the count stand at a given figure, as others at the address would."""
        self._start_minute(now_ms)
        self._used = self._used + weight if set_to is None else set_to
        if now_ms < self._ban_until_ms:
            return self._banned(now_ms)
        if self._used <= self.limit:
            return Verdict(self._used)
        self._refusals += 1
        if self._refusals > BAN_AFTER_REFUSALS:
            self._ban(now_ms)
            return self._banned(now_ms)
        return Verdict(self._used, _seconds_until((self._minute + 1) * MINUTE_MS, now_ms))

    def _start_minute(self, now_ms: int) -> None:
        minute = now_ms // MINUTE_MS
        if minute != self._minute:
            self._minute, self._used, self._refusals = minute, 0, 0

    def _ban(self, now_ms: int) -> None:
        length_ms = min(LONGEST_BAN_MS, SHORTEST_BAN_MS * 2**self._bans)
        self._bans += 1
        self._refusals = 0
        self._ban_until_ms = now_ms + length_ms

    def _banned(self, now_ms: int) -> Verdict:
        return Verdict(self._used, _seconds_until(self._ban_until_ms, now_ms), self._ban_until_ms)


def _seconds_until(then_ms: int, now_ms: int) -> int:
    return max(1, -(-(then_ms - now_ms) // 1000))
