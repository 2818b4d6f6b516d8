"""Asks for the tickers of a batch, through the circuit breaker, and finds unknown symbols by halving."""

import json
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from market_data.aggregator.batches import halves
from market_data.aggregator.circuit_breaker import CircuitBreaker
from market_data.aggregator.errors import ExchangeError, RefusedSymbolsError
from market_data.aggregator.gateway import ExchangeGateway, Received
from market_data.aggregator.payloads import TickerRow, decode_tickers
from market_data.aggregator.request_weight import ticker_weight

_MAX_BYTES = 8 * 1024 * 1024

Rows = Received[Mapping[str, TickerRow | None]]


def ticker_path(symbols: Sequence[str]) -> str:
    """Return path and query for these symbols; the exchange wants a JSON array without any space."""
    names = json.dumps(list(symbols), ensure_ascii=False, separators=(",", ":"))
    return f"/api/v3/ticker/24hr?symbols={quote(names, safe='')}"


class TickerRequest:
    """Fetches batches. What comes of each symbol is handed to one of two listeners, as soon as it is known."""

    def __init__(
        self,
        gateway: ExchangeGateway,
        breaker: CircuitBreaker,
        *,
        on_rows: Callable[[Sequence[str], Rows], None],
        on_error: Callable[[Sequence[str], ExchangeError], None],
    ) -> None:
        self._gateway = gateway
        self._breaker = breaker
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

    def _ask(self, symbols: Sequence[str], deadline: float) -> Rows:
        self._breaker.before_request()
        record = self._breaker.record_undecided
        try:
            rows = self._gateway.request(
                ticker_path(symbols),
                decode_tickers,
                weight=ticker_weight(len(symbols)),
                deadline=deadline,
                max_bytes=_MAX_BYTES,
            )
            record = self._breaker.record_success
        except RefusedSymbolsError:
            record = self._breaker.record_success
            raise
        except ExchangeError as error:
            if error.is_outage:
                record = self._breaker.record_failure
            raise
        finally:
            record()
        return rows
