"""One HTTP response of an exchange. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One complete response; header names in lower case, `received_at_ms` in Unix ms."""

    base_url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    received_at_ms: int

    @property
    def host(self) -> str:
        return host_of(self.base_url)

    @property
    def exchange_now_ms(self) -> int:
        """The exchange's clock from `Date`, ours where that is absent or unreadable."""
        try:
            return instant_ms(self.headers["date"])
        except (KeyError, ValueError, OverflowError):
            return self.received_at_ms


def instant_ms(http_date: str) -> int:
    """Return an HTTP date as Unix ms; it is UTC, also where it names no zone. Raise `ValueError` or `OverflowError`."""
    moment = parsedate_to_datetime(http_date)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def host_of(base_url: str) -> str:
    """Return host and port without a user name or password."""
    parts = urlsplit(base_url)
    name = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
    return f"{name}:{parts.port}" if parts.port else name
