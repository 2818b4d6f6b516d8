"""Time as it is handed to whoever needs it. Pure."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """`monotonic` seconds for durations, `now_ms` in Unix ms for instants, `sleep` seconds for waiting."""

    monotonic: Callable[[], float]
    now_ms: Callable[[], int]
    sleep: Callable[[float], None]
