"""What Binance's HTTP statuses and error codes mean. Pure.

Source: Binance's REST documentation, `General API Information` and `Error codes`, state of 2026-07; 403 and 451 as
users of client libraries report them.
"""

import re

from market_data.exchanges.binance.payloads import decode_error
from market_data.exchanges.errors import (
    BannedError,
    BlockedError,
    ExchangeError,
    ExchangeUnavailableError,
    RateLimitedError,
    RefusedRequestError,
)
from market_data.exchanges.response import HttpResponse
from market_data.exchanges.waits import asked_wait_seconds

UNKNOWN_SYMBOL_CODES = (-1121, -1100)
_BAN_END = re.compile(r"until (\d{13})\b")
_BLOCKED = {
    403: "its firewall refuses this address; wait a few minutes, then look for other programs that use it",
    451: "it does not serve this address's location; use another host of the exchange or another address",
}


def names_unknown_symbol(response: HttpResponse) -> bool:
    """Tell whether at least one symbol of the request is unknown; Binance does not say which."""
    return response.status == 400 and decode_error(response.body)[0] in UNKNOWN_SYMBOL_CODES


def error_of(response: HttpResponse) -> ExchangeError | None:
    """Return the error that a response stands for; of a body, only the exchange's own JSON is quoted."""
    if response.status == 200 or names_unknown_symbol(response):
        return None
    code, message = decode_error(response.body)
    if response.status == 429:
        return RateLimitedError(f"{response.host} answered 429, too much request weight", _wait(response, message))
    if response.status == 418:
        return BannedError(f"{response.host} answered 418, this address is banned", _wait(response, message))
    if response.status in _BLOCKED:
        return BlockedError(f"{response.host} answered {response.status}: {_BLOCKED[response.status]}")
    detail = f" ({code}{_quotable(message)})" if code is not None else ""
    kind = RefusedRequestError if response.status == 400 and code is not None else ExchangeUnavailableError
    return kind(f"{response.host} answered {response.status}{detail}")


def _wait(response: HttpResponse, message: str) -> float:
    """Return the longer of `Retry-After` and the end of the ban that the message names, in seconds from now."""
    end = _BAN_END.search(message)
    named = (int(end[1]) - response.exchange_now_ms) / 1000 if end else 0.0
    return max(asked_wait_seconds(response), named, 0.0)


def _quotable(message: str) -> str:
    """Return the start of a message in one line, nothing of one that holds markup."""
    words = " ".join("".join(character if character.isprintable() else " " for character in message).split())
    return f" {words[:120]}" if words and "<" not in words else ""
