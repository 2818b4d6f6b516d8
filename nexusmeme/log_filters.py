"""What of Django's own log an operator wants to read."""

import logging


def is_unexpected(record: logging.LogRecord) -> bool:
    """Keep tracebacks and answers that should not be: neither 4xx nor the 503 of a cold cache."""
    status = getattr(record, "status_code", 500)
    return record.exc_info is not None or status == 500
