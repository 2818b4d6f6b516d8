"""One request for everybody who wants the same symbol at the same time."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from market_data.aggregator.sanity import Quote
from market_data.ticker.outcome import PairOutcome


@dataclass(frozen=True, slots=True)
class SymbolResult:
    """What came of one symbol: an outcome, and with `ok` the figures and when they were received (Unix ms)."""

    outcome: PairOutcome
    quote: Quote | None = None
    received_at_ms: int = 0


class Flight:
    """One symbol's way to the exchange and back; those that set out together share the sign of a landing."""

    def __init__(self, symbol: str, landing: threading.Condition) -> None:
        self.symbol = symbol
        self.landing = landing
        self.is_over = False
        self.result = SymbolResult(PairOutcome.TIMEOUT)


class Flights:
    """The symbols that are being fetched, each by one caller; the others wait for its result."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str, Flight] = {}

    def claim(self, symbols: Iterable[str]) -> tuple[Mapping[str, Flight], Mapping[str, Flight]]:
        """Return the flights that this caller carries out now, and those of others that it may join, by symbol."""
        own: dict[str, Flight] = {}
        others: dict[str, Flight] = {}
        landing = threading.Condition()
        with self._lock:
            for symbol in symbols:
                if symbol in self._flights:
                    others[symbol] = self._flights[symbol]
                else:
                    own[symbol] = self._flights[symbol] = Flight(symbol, landing)
        return own, others

    def land(self, flight: Flight, result: SymbolResult) -> None:
        """Give everybody the result; the next one who wants the symbol fetches it again. Only the first call counts."""
        with self._lock, flight.landing:
            if flight.is_over:
                return
            flight.result = result
            flight.is_over = True
            flight.landing.notify_all()
            del self._flights[flight.symbol]

    @staticmethod
    def join(others: Iterable[Flight], deadline: float, monotonic: Callable[[], float]) -> dict[str, SymbolResult]:
        """Return what the others' flights brought by the deadline, an instant of the monotonic clock."""
        results: dict[str, SymbolResult] = {}
        for flight in others:
            with flight.landing:
                flight.landing.wait_for(partial(getattr, flight, "is_over"), max(0.0, deadline - monotonic()))
                results[flight.symbol] = flight.result
        return results
