"""One line when something fails and one when it is over, never one a cycle."""

import logging
from collections.abc import Callable


class IncidentLog:
    """Remembers which kinds of incidents are going on, and since when."""

    def __init__(self, logger: logging.Logger, monotonic: Callable[[], float]) -> None:
        self._logger = logger
        self._monotonic = monotonic
        self._began_at: dict[str, float] = {}

    def began(self, kind: str, message: str) -> None:
        """Log the incident, unless one of its kind is going on already."""
        if kind not in self._began_at:
            self._began_at[kind] = self._monotonic()
            self._logger.warning("%s: %s", kind, message)

    def is_going_on(self, kind: str) -> bool:
        """Tell whether an incident of this kind has begun and is not over."""
        return kind in self._began_at

    def over(self, kind: str) -> None:
        """Log the end of an incident with its length, where one was going on."""
        began_at = self._began_at.pop(kind, None)
        if began_at is not None:
            self._logger.warning("%s: over after %.1f s", kind, self._monotonic() - began_at)
