"""What Kraken's statuses and error texts mean. Pure.

Most errors come with status 200 in a list of texts. Source: Kraken's REST documentation, `Errors`; statuses as users
of client libraries report them.
"""

from collections.abc import Sequence

from market_data.exchanges.errors import (
    BlockedError,
    ExchangeError,
    ExchangeUnavailableError,
    RateLimitedError,
    RefusedRequestError,
)
from market_data.exchanges.kraken.payloads import errors_and_rows
from market_data.exchanges.response import HttpResponse
from market_data.exchanges.waits import asked_wait_seconds

UNKNOWN_PAIR = "EQuery:Unknown asset pair"
_RATE_LIMITS = ("EGeneral:Too many requests", "EAPI:Rate limit exceeded", "EGeneral:Temporary lockout")
_NO_ERROR = b'{"error":[]'


def error_of(response: HttpResponse) -> ExchangeError | None:
    """Return the error that a response stands for, None where it has rows or complains of names alone."""
    host, status = response.host, response.status
    if status == 429:
        return RateLimitedError(f"{host} answered 429, too many requests", asked_wait_seconds(response))
    if status in (403, 451):
        return BlockedError(f"{host} answered {status}: it refuses this address")
    if status == 414:
        return RefusedRequestError(f"{host} answered 414: too many names in one request")
    if status != 200:
        return ExchangeUnavailableError(f"{host} answered {status}")
    texts, has_rows = _errors_of(response)
    return None if has_rows else _error(response, texts)


def error_beside_rows(response: HttpResponse) -> ExchangeError | None:
    """Return what Kraken complained of although it sent rows."""
    return _error(response, _errors_of(response)[0])


def names_unknown_pair(response: HttpResponse) -> bool:
    """Tell whether at least one name of the request is unknown; Kraken does not say which."""
    return any(text.startswith(UNKNOWN_PAIR) for text in _errors_of(response)[0])


def _errors_of(response: HttpResponse) -> tuple[list[str], bool]:
    if response.body.startswith(_NO_ERROR):  # nearly always, and then the body need not be read twice
        return [], True
    return errors_and_rows(response.body)


def _error(response: HttpResponse, texts: Sequence[str]) -> ExchangeError | None:
    """Return the worst of the errors; warnings begin with W, and unknown names are no failure of the exchange."""
    errors = [text for text in texts if text.startswith("E") and not text.startswith(UNKNOWN_PAIR)]
    if not errors:
        return None
    if any(text.startswith(_RATE_LIMITS) for text in errors):
        return RateLimitedError(f"{response.host} answered {errors[0][:120]}", asked_wait_seconds(response))
    kind = ExchangeUnavailableError if errors[0].startswith("EService") else RefusedRequestError
    return kind(f"{response.host} answered {errors[0][:120]}")
