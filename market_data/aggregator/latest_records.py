"""What this process fetched last, each record with its own instant. Pure."""

from collections.abc import Iterable, Mapping

from market_data.ticker.outcome import PairOutcome
from market_data.ticker.record import TickerRecord

Key = tuple[str, str]
"""An exchange's name and a symbol of it."""
# A pair that a cycle had no time for keeps its last outcome for so many cycles.
_CYCLES_UNTIL_ITS_TURN = 3


class LatestRecords:
    """The newest record of each pair, and which refresh cycle last brought an answer about each symbol."""

    def __init__(self) -> None:
        self._records: dict[str, TickerRecord] = {}
        self._answers: dict[Key, tuple[int, PairOutcome]] = {}

    def put(self, records: Iterable[TickerRecord]) -> None:
        self._records.update((record.pair, record) for record in records)

    def get(self, pair: str) -> TickerRecord | None:
        return self._records.get(pair)

    def note_answers(self, outcomes: Mapping[Key, PairOutcome], cycle: int) -> None:
        """Note what a refresh cycle's answer said of these symbols."""
        self._answers.update((key, (cycle, outcome)) for key, outcome in outcomes.items())

    def outcome_while_waiting(self, key: Key, cycle: int) -> PairOutcome | None:
        """Return what the last answer about a symbol was that this cycle had no time for, if it is recent."""
        answered_in, outcome = self._answers.get(key, (0, None))
        return outcome if answered_in >= max(1, cycle - _CYCLES_UNTIL_ITS_TURN) else None

    def longest_waiting_first(self, keys: Iterable[Key]) -> list[Key]:
        """Return the symbols in their order, but first those that went without an answer for the most cycles."""
        return sorted(keys, key=lambda key: self._answers.get(key, (0, None))[0])
