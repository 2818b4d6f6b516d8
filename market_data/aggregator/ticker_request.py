"""Asks for the tickers of a batch, through the circuit breaker, and finds unknown symbols by halving."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from market_data.aggregator.answer_times import AnswerTimes
from market_data.aggregator.batches import halves, symbols_parameter
from market_data.exchanges.binance.payloads import TickerRow, decode_tickers
from market_data.exchanges.circuit_breaker import CircuitBreaker
from market_data.exchanges.errors import ExchangeError, NoTickersError, OutOfTimeError, RefusedSymbolsError
from market_data.exchanges.gateway import ExchangeGateway, Received
from market_data.exchanges.request_weight import ticker_weight

_MAX_BYTES = 8 * 1024 * 1024

WHOLE_MARKET_PATH = "/api/v3/ticker/24hr?symbolStatus=TRADING"
# Written to the cache together: a script of this length keeps readers of the cache waiting for a few ms.
_ROWS_AT_ONCE = 500

Rows = Received[Mapping[str, TickerRow | None]]


def ticker_path(symbols: Sequence[str]) -> str:
    """Return path and query for these symbols."""
    return f"/api/v3/ticker/24hr?{symbols_parameter(symbols)}"


class TickerRequest:
    """Fetches batches. What comes of each symbol is handed to one of two listeners, as soon as it is known.

    `cycle_seconds` is the whole time of the cycle at whose end, its deadline, every request is cut off.
    """

    def __init__(
        self,
        gateway: ExchangeGateway,
        breaker: CircuitBreaker,
        *,
        answer_times: AnswerTimes,
        cycle_seconds: float,
        monotonic: Callable[[], float],
        on_rows: Callable[[Sequence[str], Rows], None],
        on_error: Callable[[Sequence[str], ExchangeError], None],
    ) -> None:
        self._gateway = gateway
        self._breaker = breaker
        self._answer_times = answer_times
        self._cycle_seconds = cycle_seconds
        self._monotonic = monotonic
        self._on_rows = on_rows
        self._on_error = on_error

    def fetch(self, symbols: Sequence[str], deadline: float) -> None:
        """Ask for the symbols; where one is unknown, ask for each half, until it stands alone."""
        try:
            rows = self._ask(symbols, deadline)
        except RefusedSymbolsError as error:
            if len(symbols) == 1:
                self._on_error(symbols, error)
            else:
                for half in halves(symbols):
                    self.fetch(half, deadline)
        except ExchangeError as error:
            self._on_error(symbols, error)
        else:
            self._on_rows(symbols, rows)

    def fetch_whole_market(self, symbols: Sequence[str], deadline: float) -> None:
        """Ask for every symbol that trades at once; the listener gets the rows of these symbols, a part at a time.

        Nothing is said of symbols without a row: whether the exchange knows them, only a batch tells. Raises
        `ExchangeError`.
        """
        decode = partial(_decode_market, frozenset(symbols))
        rows = self._request(WHOLE_MARKET_PATH, decode, ticker_weight(None), deadline)
        found = [symbol for symbol in symbols if symbol in rows.content]
        for start in range(0, len(found), _ROWS_AT_ONCE):
            if self._monotonic() >= deadline:
                return  # the next cycle may be writing newer prices by now
            self._on_rows(found[start : start + _ROWS_AT_ONCE], rows)
        if len(found) < len(symbols) / 2:
            raise NoTickersError(f"{len(found)} of {len(symbols)} tickers were in an answer about the whole market")

    def _ask(self, symbols: Sequence[str], deadline: float) -> Rows:
        return self._request(
            ticker_path(symbols), partial(_decode_tickers_of, symbols), ticker_weight(len(symbols)), deadline
        )

    def _request(
        self, path: str, decode: Callable[[bytes], Mapping[str, TickerRow | None]], weight: int, deadline: float
    ) -> Rows:
        asked_at = self._monotonic()
        if not self._answer_times.leave_time(deadline - asked_at, self._cycle_seconds):
            raise OutOfTimeError("too little of the cycle was left for another answer")
        ticket = self._breaker.before_request()
        record = self._breaker.record_undecided
        try:
            rows = self._gateway.request(path, decode, weight=weight, deadline=deadline, max_bytes=_MAX_BYTES)
            self._answer_times.note(self._monotonic() - asked_at)
            record = self._breaker.record_success
        except RefusedSymbolsError:
            record = self._breaker.record_success
            raise
        except ExchangeError as error:
            if error.is_outage:
                record = self._breaker.record_failure
            raise
        finally:
            record(ticket)
        return rows


def _decode_market(wanted: frozenset[str], body: bytes) -> Mapping[str, TickerRow | None]:
    """Return the rows of the wanted symbols; raise `NoTickersError` where there is none."""
    rows = decode_tickers(body, wanted)
    if not rows:
        raise NoTickersError("an answer about the whole market brought none of the tickers that were wanted")
    return rows


def _decode_tickers_of(symbols: Sequence[str], body: bytes) -> Mapping[str, TickerRow | None]:
    """Return the rows by symbol. One row that is missing may be the symbol's fault, all of several are the host's."""
    rows = decode_tickers(body)
    if len(symbols) > 1 and rows.keys().isdisjoint(symbols):
        raise NoTickersError("an answer brought none of the tickers that were asked for")
    return rows
