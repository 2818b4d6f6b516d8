"""Redis' clock, the one that counts for every age: as of its last answer, and counted on from there. Thread-safe.

Hosts disagree about the time, so an age must not be the difference of two hosts' clocks.
"""

import socket
import threading
from collections.abc import Callable

import msgspec

from market_data.logs.incidents import IncidentLog
from market_data.ticker.availability import CLOCK_TOLERANCE_MS

_INCIDENT = "clock"


class ClockStatus(msgspec.Struct, frozen=True, rename="camel"):
    """By how many ms at least a host's own clock is ahead of Redis', negative where it is behind.

    `ahead_ms` is None where Redis does not tell its time, and `host` too where nothing is known.
    """

    host: str | None = None
    ahead_ms: int | None = None

    @property
    def fault(self) -> str | None:
        """What an operator should put right, in a sentence."""
        if self.host is None or (self.ahead_ms is not None and abs(self.ahead_ms) <= CLOCK_TOLERANCE_MS):
            return None
        if self.ahead_ms is None:
            return f"Redis does not tell {self.host} its time, so that host's clock counts there; grant its user +time."
        way = "ahead of" if self.ahead_ms > 0 else "behind"
        return f"The clock of {self.host} is {abs(self.ahead_ms) / 1000:.1f} s {way} Redis', which counts for all ages."


class RedisClock:
    """Unix time by Redis. Before its first answer there is only this host's own clock, `own_now_ms`.

    When exactly Redis looked at its clock is not known, but that was between question and answer. So there are two
    readings: `now_ms` is never early, for whoever tells ages, and `stamp_ms` is never late, for whoever dates prices.
    Either way a price does not look younger than it is.
    """

    def __init__(
        self, *, monotonic: Callable[[], float], own_now_ms: Callable[[], int], incidents: IncidentLog
    ) -> None:
        self.monotonic = monotonic
        self._own_now_ms = own_now_ms
        self._incidents = incidents
        self._lock = threading.Lock()
        self._host = socket.gethostname()
        self._from_question_ms: float | None = None
        self._from_answer_ms = 0.0
        self._ahead_ms: int | None = None

    def now_ms(self) -> int:
        """Return the time of now, or one that is later by no more than the last question to Redis took."""
        return self.at_ms(self.monotonic())

    def at_ms(self, instant: float) -> int:
        """Return what `now_ms` returns at this instant of the monotonic clock, which is about now."""
        from_question_ms = self._from_question_ms
        return self._own_now_ms() if from_question_ms is None else int(from_question_ms + instant * 1000)

    def stamp_ms(self) -> int:
        """Return the time of now, or one that is earlier by no more than the last question to Redis took."""
        if self._from_question_ms is None:
            return self._own_now_ms()
        return int(self._from_answer_ms + self.monotonic() * 1000)

    def status(self) -> ClockStatus:
        """Return how far this host's own clock is off."""
        return ClockStatus(self._host, self._ahead_ms)

    def answered(self, redis_ms: float, asked_at: float) -> None:
        """Take in what Redis answered just now to a question of `asked_at`, monotonic seconds."""
        answered_at, own_ms = self.monotonic(), self._own_now_ms()
        with self._lock:
            self._from_answer_ms = redis_ms - answered_at * 1000
            self._from_question_ms = redis_ms - asked_at * 1000
            most = own_ms - redis_ms
            least = most - (answered_at - asked_at) * 1000
            self._ahead_ms = round(max(least, min(most, 0)))
            self._log()

    def refused(self) -> None:
        """Note that Redis does not tell its time to this user."""
        with self._lock:
            self._ahead_ms = None
            self._from_question_ms = None
            self._log()

    def _log(self) -> None:
        status = self.status()
        # One that drifts across the limit is told once, so it has to come back further than it went.
        if status.fault:
            self._incidents.began(_INCIDENT, status.fault)
        elif abs(status.ahead_ms or 0) < CLOCK_TOLERANCE_MS / 2:
            self._incidents.over(_INCIDENT)
