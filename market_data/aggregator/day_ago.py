"""Prices of 24 h ago for an exchange whose tickers do not tell the change, from its five-minute candles."""

import logging
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from market_data.exchanges.backoff import ExponentialBackoff
from market_data.exchanges.errors import ExchangeError, OutOfTimeError
from market_data.exchanges.gateway import ExchangeGateway
from market_data.exchanges.protocol import Candle, Exchange, Request
from market_data.logs.incidents import IncidentLog
from market_data.ticker.clock import Clock
from market_data.ticker.record import exact_decimal

logger = logging.getLogger(__name__)

FAILURE = "candles of {} cannot be loaded, so that its change in 24 h is not known for every pair"
DAY_MS = 24 * 60 * 60 * 1000
CANDLE_MS = 5 * 60 * 1000
_RENEW_BEFORE_END_MS = 6 * 60 * 60 * 1000
_TIMEOUT_SECONDS = 8.0


@dataclass(slots=True)
class _Series:
    """Closes by the instant at which each candle ended, Unix ms by the exchange's clock, oldest first."""

    ends_ms: list[int] = field(default_factory=list)
    closes: list[Decimal] = field(default_factory=list)

    def price_at(self, at_ms: int) -> Decimal | None:
        index = bisect_right(self.ends_ms, at_ms) - 1
        is_covered = index >= 0 and at_ms - self.ends_ms[index] <= CANDLE_MS
        return self.closes[index] if is_covered else None

    def covers_until(self) -> int:
        return self.ends_ms[-1] + CANDLE_MS if self.ends_ms else 0


class DayAgoPrices:
    """Belongs to the thread of the refresh cycles. One request a cycle at most, and none in a cycle's way."""

    def __init__(
        self,
        exchange: Exchange,
        gateway: ExchangeGateway,
        *,
        retry: ExponentialBackoff,
        clock: Clock,
        start: Callable[[Callable[[], None]], object],
    ) -> None:
        self._exchange = exchange
        self._gateway = gateway
        self._retry = retry
        self._clock = clock
        self._start = start
        self._incidents = IncidentLog(logger, clock.monotonic)
        self._series: dict[str, _Series] = {}
        self._failures: dict[str, int] = {}
        self._next_at: dict[str, float] = {}
        self._asking: str | None = None
        self._arrived: list[tuple[str, Sequence[Candle] | ExchangeError]] = []

    def price(self, symbol: str, exchange_now_ms: int) -> Decimal | None:
        """Return what the symbol cost 24 h before that instant, within one candle; None while it is not known."""
        series = self._series.get(symbol)
        return series.price_at(exchange_now_ms - DAY_MS) if series else None

    def keep_current(self, symbols: Sequence[str], *, may_ask: bool) -> None:
        """Take in what has come and ask for one symbol whose candles are missing or run out; return at once."""
        if self._arrived:
            self._take_in(*self._arrived.pop())
            self._asking = None
        if self._asking is not None or not may_ask:
            return
        now, now_ms = self._clock.monotonic(), self._clock.now_ms()
        for symbol in sorted(symbols, key=self._covered_until):
            is_due = self._covered_until(symbol) < now_ms - DAY_MS + _RENEW_BEFORE_END_MS
            request = self._exchange.candles_request(symbol)
            if request is not None and is_due and now >= self._next_at.get(symbol, 0.0):
                self._asking = symbol
                self._start(lambda symbol=symbol, request=request: self._ask(symbol, request))  # type: ignore[misc]
                return

    def _covered_until(self, symbol: str) -> int:
        return self._series[symbol].covers_until() if symbol in self._series else 0

    def _ask(self, symbol: str, request: Request) -> None:
        answer: Sequence[Candle] | ExchangeError = OutOfTimeError("asking ended by an error")
        try:
            answer = self._gateway.candles(request, self._clock.monotonic() + _TIMEOUT_SECONDS).content
        except ExchangeError as error:
            answer = error
        finally:
            self._arrived.append((symbol, answer))

    def _take_in(self, symbol: str, answer: Sequence[Candle] | ExchangeError) -> None:
        failure = FAILURE.format(self._exchange.name)
        if isinstance(answer, ExchangeError):
            self._failures[symbol] = self._failures.get(symbol, 0) + 1
            self._next_at[symbol] = self._clock.monotonic() + self._retry.delay_seconds(self._failures[symbol])
            self._incidents.began(failure, str(answer))
            return
        self._incidents.over(failure)
        self._failures.pop(symbol, None)
        closes = ((candle.opens_at_ms + CANDLE_MS, exact_decimal(candle.close)) for candle in answer)
        known = [(end_ms, close) for end_ms, close in closes if close is not None and close > 0]
        self._series[symbol] = _Series([end_ms for end_ms, _ in known], [close for _, close in known])
        # A market that is younger than a day, or a list without its newest candles, is asked for again after a while.
        self._next_at[symbol] = self._clock.monotonic() + self._retry.cap_seconds
