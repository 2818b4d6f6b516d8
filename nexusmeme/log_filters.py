"""What of Django's own log an operator wants to read."""

import logging
import time
from collections.abc import Callable


def is_unexpected(record: logging.LogRecord) -> bool:
    """Keep tracebacks and answers that should not be: neither 4xx, a refusal with its traceback included, nor 503."""
    status = getattr(record, "status_code", 500)
    return status == 500 or (record.exc_info is not None and status >= 500)


class OncePerMinute(logging.Filter):
    """Lets one record a minute through, without its traceback: what readers cause must not fill the disk."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._silent_until = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        now = self._monotonic()
        if now < self._silent_until:
            return False
        self._silent_until = now + 60
        record.exc_info = record.exc_text = None
        return True
