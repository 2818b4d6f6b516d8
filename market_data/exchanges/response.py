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
        sent_at_ms = self._instant_ms("date")
        return self.received_at_ms if sent_at_ms is None else sent_at_ms

    @property
    def age_ms(self) -> int:
        """How old the response says it was when it arrived, by the exchange's clock; zero where it says nothing.

        Edge caches tell it by `Age`, or by the distance from `Last-Modified` to `Date`.
        """
        text = self.headers.get("age", "").strip()
        age_ms = int(text) * 1000 if text.isascii() and text.isdigit() and len(text) <= 9 else 0
        made_at_ms, sent_at_ms = self._instant_ms("last-modified"), self._instant_ms("date")
        if made_at_ms is None or sent_at_ms is None:
            return age_ms
        return max(age_ms, sent_at_ms - made_at_ms)

    def _instant_ms(self, header: str) -> int | None:
        try:
            return instant_ms(self.headers[header])
        except (KeyError, ValueError, OverflowError):
            return None


def instant_ms(http_date: str) -> int:
    """Return an HTTP date as Unix ms; it is UTC, also where it names no zone. Raise `ValueError` or `OverflowError`."""
    moment = parsedate_to_datetime(http_date)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def host_of(base_url: str) -> str:
    """Return host and port without a user name or password."""
    parts = urlsplit(base_url)
    name = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
    return f"{name}:{parts.port}" if parts.port else name
