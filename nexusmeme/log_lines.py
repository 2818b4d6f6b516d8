"""One line of log per event, as `key=value` or as JSON; tracebacks and line breaks in messages stay within it."""

import json
import logging
from datetime import UTC, datetime

from market_data.log_facts import key_values
from nexusmeme.request_id import current_request_id
from nexusmeme.secret_masking import configured_secrets, mask


class _LineFormatter(logging.Formatter):
    """Knows the secrets that are set when it is built, and blacks them out."""

    def __init__(self) -> None:
        super().__init__()
        self._secrets = configured_secrets()

    def _fields(self, record: logging.LogRecord) -> dict[str, str]:
        logged_at = datetime.fromtimestamp(record.created, UTC)
        fields = {
            "time": logged_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
        }
        facts = getattr(record, "facts", None)
        fields |= facts or {"message": record.getMessage()}
        if request_id := current_request_id():
            fields["request_id"] = request_id
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        # Before anything is escaped, for an escaped secret is not found any more.
        return {name: mask(value, self._secrets) for name, value in fields.items()}


class KeyValueFormatter(_LineFormatter):
    """`time=… level=… logger=… message="…"`, or the facts in place of a message."""

    def format(self, record: logging.LogRecord) -> str:
        return key_values(self._fields(record))


class JsonFormatter(_LineFormatter):
    """The same fields as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(self._fields(record))
