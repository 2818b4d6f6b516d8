"""What the exchange's HTTP answers mean: headers read, statuses turned into kinds of errors. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from market_data.exchanges.binance.payloads import decode_error
from market_data.exchanges.errors import (
    BannedError,
    BlockedError,
    ExchangeError,
    ExchangeUnavailableError,
    RateLimitedError,
    RefusedRequestError,
    RefusedSymbolsError,
)
from market_data.exchanges.retry_after import ban_end_ms, retry_after_seconds
from market_data.ticker.source import Source

UNKNOWN_SYMBOL_CODES = (-1121, -1100)
_WINDOW_MARGIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ExchangeAnswer:
    """One complete HTTP answer; header names in lower case, `received_at_ms` in Unix ms."""

    base_url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    received_at_ms: int

    @property
    def host(self) -> str:
        return host_of(self.base_url)

    @property
    def source(self) -> Source:
        """Whose prices these are: the simulator says so in a header."""
        is_simulated = self.headers.get("x-market-data-source") == Source.SIMULATOR.value
        return Source.SIMULATOR if is_simulated else Source.BINANCE

    @property
    def used_weight(self) -> int | None:
        """Request weight used by this address in the current minute, as the exchange counts it."""
        text = self.headers.get("x-mbx-used-weight-1m", "")
        return int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else None

    @property
    def exchange_now_ms(self) -> int:
        """The exchange's clock from `Date`, or ours where that is absent, ahead or unreadable."""
        try:
            date_ms = int(parsedate_to_datetime(self.headers["date"]).timestamp() * 1000)
        except (KeyError, ValueError, OverflowError):
            return self.received_at_ms
        return date_ms

    @property
    def seconds_to_next_window(self) -> float | None:
        """The rest of the exchange's current minute, by its own clock; None where it sends no `Date`."""
        if "date" not in self.headers:
            return None
        return 60.0 - (self.exchange_now_ms // 1000) % 60 + _WINDOW_MARGIN_SECONDS


def host_of(base_url: str) -> str:
    """Return host and port without a user name or password."""
    parts = urlsplit(base_url)
    name = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
    return f"{name}:{parts.port}" if parts.port else name


def error_of(answer: ExchangeAnswer) -> ExchangeError | None:
    """Return the error that an answer stands for, None for a 200; of a body, only the exchange's JSON is quoted."""
    if answer.status == 200:
        return None
    code, message = decode_error(answer.body)
    if answer.status == 429:
        return RateLimitedError(f"{answer.host} answered 429, too much request weight", _asked_wait(answer, message))
    if answer.status == 418:
        return BannedError(f"{answer.host} answered 418, this address is banned", _asked_wait(answer, message))
    if answer.status in _BLOCKED:
        return BlockedError(f"{answer.host} answered {answer.status}: {_BLOCKED[answer.status]}")
    if answer.status == 400 and code in UNKNOWN_SYMBOL_CODES:
        return RefusedSymbolsError(f"{answer.host} does not know a symbol of the batch ({code})")
    detail = f" ({code}{_quotable(message)})" if code is not None else ""
    kind = RefusedRequestError if answer.status == 400 and code is not None else ExchangeUnavailableError
    return kind(f"{answer.host} answered {answer.status}{detail}")


_BLOCKED = {
    403: "its firewall refuses this address; wait a few minutes, then look for other programs that use it",
    451: "it does not serve this address's location; use another host of the exchange or another address",
}


def _quotable(message: str) -> str:
    """Return the start of a message in one line, nothing of one that holds markup."""
    words = " ".join("".join(character if character.isprintable() else " " for character in message).split())
    return f" {words[:120]}" if words and "<" not in words else ""


def _asked_wait(answer: ExchangeAnswer, message: str) -> float:
    """Return the seconds that the exchange asks to wait, zero where it names none that makes sense."""
    header = retry_after_seconds(answer.headers.get("retry-after"), answer.exchange_now_ms)
    end_ms = ban_end_ms(message)
    named = None if end_ms is None else (end_ms - answer.exchange_now_ms) / 1000
    waits = [wait for wait in (header, named) if wait is not None and wait > 0]
    return max(waits, default=0.0)
