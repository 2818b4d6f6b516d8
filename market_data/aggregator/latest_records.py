"""What this process fetched last, each record with its own instant."""

import threading
from collections.abc import Iterable, Sequence

from market_data.ticker import TickerRecord


class LatestRecords:
    """The newest record of each pair, and which refresh cycle last brought each symbol. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[str, TickerRecord] = {}
        self._cycles: dict[str, int] = {}

    def put(self, records: Iterable[TickerRecord]) -> None:
        """Keep the records that are newer than those at hand."""
        with self._lock:
            for record in records:
                present = self._records.get(record.pair)
                if present is None or record.received_at_ms >= present.received_at_ms:
                    self._records[record.pair] = record

    def get(self, pair: str) -> TickerRecord | None:
        """Return the newest record of a pair."""
        with self._lock:
            return self._records.get(pair)

    def note_cycle(self, symbol: str, cycle: int) -> None:
        """Note that a refresh cycle brought the symbol."""
        with self._lock:
            self._cycles[symbol] = cycle

    def longest_waiting_first(self, symbols: Iterable[str]) -> Sequence[str]:
        """Return the symbols in their order, but first those that went without an answer for the most cycles."""
        with self._lock:
            return sorted(symbols, key=lambda symbol: self._cycles.get(symbol, 0))
