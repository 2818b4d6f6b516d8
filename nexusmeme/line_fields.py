"""What every line of the log has. Without Django, for the process that watches the web workers does without it."""

import logging
from datetime import UTC, datetime


def line_fields(record: logging.LogRecord) -> dict[str, str]:
    """Return time, level and logger, the facts or else the message, and the traceback where there is one."""
    logged_at = datetime.fromtimestamp(record.created, UTC)
    fields = {
        "time": logged_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname,
        "logger": record.name,
    }
    fields |= getattr(record, "facts", None) or {"message": record.getMessage()}
    if record.exc_info:
        fields["exception"] = logging.Formatter().formatException(record.exc_info)
    return fields
