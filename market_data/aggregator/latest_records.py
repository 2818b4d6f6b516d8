"""What this process fetched last, each record with its own instant."""

import threading
from collections.abc import Iterable, Sequence

from market_data.ticker.outcome import PairOutcome
from market_data.ticker.record import TickerRecord


class LatestRecords:
    """The newest record of each pair, and which refresh cycle last brought each symbol. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[str, tuple[int, TickerRecord]] = {}
        self._cycles: dict[str, int] = {}
        self._outcomes: dict[str, PairOutcome] = {}

    def put(self, records: Iterable[TickerRecord], cycle: int) -> None:
        """Keep the records, unless a later cycle brought newer ones. Instants do not decide: a clock may jump back."""
        with self._lock:
            for record in records:
                if cycle >= self._records.get(record.pair, (0, record))[0]:
                    self._records[record.pair] = (cycle, record)

    def get(self, pair: str) -> TickerRecord | None:
        """Return the newest record of a pair."""
        with self._lock:
            found = self._records.get(pair)
        return found[1] if found else None

    def note_answer(self, symbol: str, cycle: int, outcome: PairOutcome) -> None:
        """Note that a refresh cycle brought an answer about the symbol."""
        with self._lock:
            self._cycles[symbol] = cycle
            self._outcomes[symbol] = outcome

    def last_outcome(self, symbol: str, since_cycle: int) -> PairOutcome | None:
        """Return what the last answer about the symbol was, if it came in this cycle or later."""
        with self._lock:
            return self._outcomes[symbol] if self._cycles.get(symbol, 0) >= max(1, since_cycle) else None

    def longest_waiting_first(self, symbols: Iterable[str]) -> Sequence[str]:
        """Return the symbols in their order, but first those that went without an answer for the most cycles."""
        with self._lock:
            return sorted(symbols, key=lambda symbol: self._cycles.get(symbol, 0))
