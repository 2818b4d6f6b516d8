"""A circuit breaker: closed, open, half-open with one probe. Pure; guarded by a lock, never held while calling."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from market_data.exchanges.backoff import ExponentialBackoff
from market_data.exchanges.errors import CircuitOpenError


class CircuitState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class CircuitSnapshot:
    """The breaker at one instant; `retry_after_seconds` is zero where a request may be made."""

    state: CircuitState
    consecutive_failures: int
    retry_after_seconds: float


class CircuitBreaker:
    """Counts failures in a row; from the threshold on it opens, and each failed probe doubles the cool-down."""

    def __init__(
        self, *, failure_threshold: int, cool_down: ExponentialBackoff, monotonic: Callable[[], float]
    ) -> None:
        self._failure_threshold = failure_threshold
        self._cool_down = cool_down
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures = 0
        self._openings = 0  # in a row, for the length of the cool-down
        self._opened_times = 0  # ever, for the tickets
        self._open_until: float | None = None
        self._is_probing = False

    def before_request(self) -> int:
        """Let a request pass or raise `CircuitOpenError`; of a half-open circuit exactly one passes.

        The value is the request's ticket. What a request brings that was sent before the circuit last opened, says
        nothing about the probe and is not counted.
        """
        with self._lock:
            if self._open_until is not None:
                if self._is_probing or self._monotonic() < self._open_until:
                    raise CircuitOpenError(
                        f"the circuit is open after {self._failures} failures in a row", self._retry_after_seconds()
                    )
                self._is_probing = True
            return self._opened_times

    def record_success(self, ticket: int) -> None:
        """Close the circuit: the exchange answered."""
        with self._lock:
            if ticket == self._opened_times:
                self._failures = self._openings = 0
                self._open_until = None
                self._is_probing = False

    def record_failure(self, ticket: int) -> None:
        """Count a failure; open the circuit at the threshold, or again after a failed probe."""
        with self._lock:
            if ticket != self._opened_times:
                return
            self._failures += 1
            if self._is_probing or self._failures >= self._failure_threshold:
                self._openings += 1
                self._opened_times += 1
                self._open_until = self._monotonic() + self._cool_down.delay_seconds(self._openings)
                self._is_probing = False

    def record_undecided(self, ticket: int) -> None:
        """Give a probe back whose request said nothing about the exchange's health."""
        with self._lock:
            if ticket == self._opened_times:
                self._is_probing = False

    def snapshot(self) -> CircuitSnapshot:
        """Return state, failures in a row and the time until a request may be made."""
        with self._lock:
            return CircuitSnapshot(self._state(), self._failures, self._retry_after_seconds())

    def _state(self) -> CircuitState:
        if self._open_until is None:
            return CircuitState.CLOSED
        return CircuitState.OPEN if self._monotonic() < self._open_until else CircuitState.HALF_OPEN

    def _retry_after_seconds(self) -> float:
        return 0.0 if self._open_until is None else max(0.0, self._open_until - self._monotonic())
