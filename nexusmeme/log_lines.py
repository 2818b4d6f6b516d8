"""One line of log per event, as `key=value` or as JSON; tracebacks and line breaks in messages stay within it."""

import json
import logging

from market_data.logs.facts import key_values
from nexusmeme.line_fields import line_fields
from nexusmeme.request_id import current_request_id
from nexusmeme.secret_masking import configured_secrets, mask


class _LineFormatter(logging.Formatter):
    """Knows the secrets that are set when it is built, and blacks them out."""

    def __init__(self) -> None:
        super().__init__()
        self._secrets = configured_secrets()

    def _fields(self, record: logging.LogRecord) -> dict[str, str]:
        fields = line_fields(record)
        if request_id := current_request_id():
            fields["request_id"] = request_id
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
