"""Whether enough of a refresh cycle is left for another answer, judged by how long the last ones took. Pure."""

import threading
from collections import deque

_REMEMBERED_ANSWERS = 3
_MOST_OF_A_CYCLE = 0.75


class AnswerTimes:
    """How long the exchange's last answers took. Thread-safe.

    A request that cannot be answered in what is left of its cycle only costs the exchange: the cycle's end cuts it
    off, and its answer is still being made while the next cycle asks.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: deque[float] = deque(maxlen=_REMEMBERED_ANSWERS)

    def note(self, seconds: float) -> None:
        """Remember how long a complete answer took."""
        with self._lock:
            self._seconds.append(seconds)

    @property
    def shortest_seconds(self) -> float:
        """How long the quickest of the last answers took, one slow one does not count; zero where there was none."""
        with self._lock:
            return min(self._seconds, default=0.0)

    def leave_time(self, remaining_seconds: float, cycle_seconds: float) -> bool:
        """Tell whether an answer may be expected in time; always, at the beginning of a cycle."""
        with self._lock:
            longest = max(self._seconds, default=0.0)
        return remaining_seconds >= min(longest, _MOST_OF_A_CYCLE * cycle_seconds)
