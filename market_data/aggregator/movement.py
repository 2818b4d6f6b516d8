"""Whether an exchange's prices still move: a market or a cache that stands still looks alive row by row. Pure."""

from collections.abc import Callable, Sequence

from market_data.exchanges.protocol import TickerRow
from market_data.exchanges.response import HttpResponse

STILL_AFTER_MS = 45 * 60 * 1000
"""Single quiet symbols of a live market had their last event up to 31 minutes ago."""


class Movement:
    """Compares the answers of one exchange. `still_since_ms` is Unix ms by its clock, None while prices move."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._figures: frozenset[tuple[str, str, str]] = frozenset()
        self._moved_at = monotonic()
        self.still_since_ms: int | None = None

    def note(self, rows: Sequence[TickerRow], response: HttpResponse) -> None:
        """Take in the rows of an answer: the newest event in them tells, or, without times, that figures change."""
        events = [row.exchange_time_ms for row in rows if row.exchange_time_ms is not None]
        now_ms = response.exchange_now_ms
        if not rows:
            return
        if events:
            still_ms = now_ms - max(events)
        else:
            figures = frozenset((row.symbol, row.price, row.volume) for row in rows)
            if not figures <= self._figures:
                self._moved_at = self._monotonic()
            self._figures = figures
            still_ms = round((self._monotonic() - self._moved_at) * 1000)
        self.still_since_ms = now_ms - still_ms if still_ms > STILL_AFTER_MS else None
