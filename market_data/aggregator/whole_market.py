"""Whether answers about the exchange's whole market are of use: after a bad one the next cycles do without. Pure."""

import threading

_MOST_DOUBLINGS = 4


class WholeMarketTrust:
    """Counts bad answers in a row: after the first one cycle does without, then twice as many, up to sixteen.

    A request counts as failed from its beginning on, for its cycle may end before anything is known of it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._next_cycle = 0
        self.fault: str | None = None
        """What was wrong with the last answer that was of no use, until one is of use again."""

    def is_usable(self, cycle: int) -> bool:
        """Tell whether the refresh cycle of this number may ask for the whole market."""
        with self._lock:
            return cycle >= self._next_cycle

    def asked(self, cycle: int) -> None:
        """Note that this cycle asks for the whole market."""
        with self._lock:
            self._next_cycle = cycle + 1 + 2 ** min(self._failures, _MOST_DOUBLINGS)
            self._failures += 1

    def answer_was_bad(self, fault: str) -> None:
        """Note why the answer is of no use."""
        with self._lock:
            self.fault = fault

    def was_not_tried(self) -> None:
        """Note that the exchange was not asked after all, or refused for a reason that is none of the market's."""
        with self._lock:
            self._next_cycle = 0
            self._failures -= 1

    def succeeded(self) -> None:
        """Note an answer with the tickers that were asked for."""
        with self._lock:
            self._next_cycle = 0
            self._failures = 0
            self.fault = None
