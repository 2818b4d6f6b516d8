"""What Bitstamp's statuses and refusals mean. Pure; all of it as users of the API report it."""

from market_data.exchanges.bitstamp.payloads import refusal_code
from market_data.exchanges.errors import (
    BlockedError,
    ExchangeError,
    ExchangeUnavailableError,
    RateLimitedError,
    RefusedRequestError,
)
from market_data.exchanges.response import HttpResponse
from market_data.exchanges.waits import asked_wait_seconds

_TOO_MANY_REQUESTS = ("400.002", "400.067", "400.068")
_MAINTENANCE = b"under scheduled maintenance"
_START_BYTES = 4096


def error_of(response: HttpResponse) -> ExchangeError | None:
    """Return the error that a response stands for, by its refusal code, its words or its status."""
    host, status = response.host, response.status
    code = refusal_code(response.body)
    if status == 429 or code in _TOO_MANY_REQUESTS:
        return RateLimitedError(f"{host} answered too many requests", asked_wait_seconds(response))
    if _MAINTENANCE in response.body[:_START_BYTES]:
        return ExchangeUnavailableError(f"{host} is under scheduled maintenance")
    if status in (403, 451):
        return BlockedError(f"{host} answered {status}: it refuses this address")
    if status in (400, 404) or code is not None:
        return RefusedRequestError(f"{host} answered {code or status}")
    return ExchangeUnavailableError(f"{host} answered {status}") if status != 200 else None
