"""Exponential backoff with jitter. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

_MAX_DOUBLINGS = 30


@dataclass(frozen=True, slots=True)
class ExponentialBackoff:
    """Waiting times that double with every failure up to a cap, each shortened by up to a quarter at random.

    `random` returns numbers from 0 up to 1; the jitter keeps many processes from coming back at once.
    """

    base_seconds: float
    cap_seconds: float
    random: Callable[[], float]

    def delay_seconds(self, failures: int) -> float:
        """Return the wait after this many failures in a row, zero after none."""
        if failures <= 0:
            return 0.0
        doubled = self.base_seconds * 2.0 ** min(failures - 1, _MAX_DOUBLINGS)
        return min(self.cap_seconds, doubled) * (1 - 0.25 * self.random())
