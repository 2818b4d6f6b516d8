"""One request for everybody who wants the same symbol at the same time."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from market_data.aggregator.plausibility import Quote
from market_data.fetcher_status import PairOutcome


@dataclass(frozen=True, slots=True)
class SymbolResult:
    """What came of one symbol: an outcome, and with `ok` the figures and when they were received (Unix ms)."""

    outcome: PairOutcome
    quote: Quote | None = None
    received_at_ms: int = 0


class _Flight:
    def __init__(self) -> None:
        self.is_over = threading.Event()
        self.result = SymbolResult(PairOutcome.TIMEOUT)


class Flights:
    """The symbols that are being fetched, each by one caller; the others wait for its result."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str, _Flight] = {}

    def claim(self, symbols: Iterable[str]) -> tuple[list[str], Mapping[str, "_Flight"]]:
        """Return the symbols that this caller fetches now, and the flights of others that it may join."""
        own: list[str] = []
        others: dict[str, _Flight] = {}
        with self._lock:
            for symbol in symbols:
                if symbol in self._flights:
                    others[symbol] = self._flights[symbol]
                else:
                    self._flights[symbol] = _Flight()
                    own.append(symbol)
        return own, others

    def land(self, symbol: str, result: SymbolResult) -> None:
        """Give everybody the result; the next one who wants the symbol fetches it again."""
        with self._lock:
            flight = self._flights.pop(symbol, None)
        if flight is not None:
            flight.result = result
            flight.is_over.set()

    @staticmethod
    def join(others: Mapping[str, "_Flight"], timeout_seconds: float) -> dict[str, SymbolResult]:
        """Return what the others' flights brought, each waited for this long at most."""
        results: dict[str, SymbolResult] = {}
        for symbol, flight in others.items():
            flight.is_over.wait(timeout_seconds)
            results[symbol] = flight.result
        return results
