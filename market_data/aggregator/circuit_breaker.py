"""A circuit breaker: closed, open, half-open with one probe. Pure; guarded by a lock, never held while calling."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from market_data.aggregator.backoff import ExponentialBackoff
from market_data.aggregator.errors import CircuitOpenError


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
        self._openings = 0
        self._open_until: float | None = None
        self._is_probing = False

    def before_request(self) -> None:
        """Let a request pass or raise `CircuitOpenError`; of a half-open circuit exactly one passes."""
        with self._lock:
            if self._open_until is None:
                return
            if self._is_probing or self._monotonic() < self._open_until:
                raise CircuitOpenError(
                    f"the circuit is open after {self._failures} failures in a row", self._retry_after_seconds()
                )
            self._is_probing = True

    def record_success(self) -> None:
        """Close the circuit: the exchange answered."""
        with self._lock:
            self._failures = self._openings = 0
            self._open_until = None
            self._is_probing = False

    def record_failure(self) -> None:
        """Count a failure; open the circuit at the threshold, or again after a failed probe."""
        with self._lock:
            self._failures += 1
            is_first_opening = self._open_until is None and self._failures >= self._failure_threshold
            if is_first_opening or self._is_probing:
                self._openings += 1
                self._open_until = self._monotonic() + self._cool_down.delay_seconds(self._openings)
                self._is_probing = False

    def record_undecided(self) -> None:
        """Give a probe back whose request said nothing about the exchange's health."""
        with self._lock:
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
