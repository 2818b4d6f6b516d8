"""What can go wrong at the exchange, as kinds that a caller can act on. Pure."""

from typing import ClassVar

from market_data.ticker.outcome import PairOutcome


class ExchangeError(Exception):
    """A request to the exchange brought no tickers; the message names host and reason, never a body."""

    outcome: ClassVar[PairOutcome]
    is_outage: ClassVar[bool] = False
    """Whether it counts against the circuit breaker."""
    is_host_fault: ClassVar[bool] = False
    """Whether another host of the same exchange may do better."""
    is_bad_answer: ClassVar[bool] = False
    """Whether an answer came and was of no use, so that another request may do better at once."""
    is_refusal: ClassVar[bool] = False
    """Whether the exchange understood the request and did not like it."""


class ExchangeTimeoutError(ExchangeError):
    """No complete answer came in time."""

    outcome = PairOutcome.TIMEOUT
    is_outage = True
    is_host_fault = True


class OutOfTimeError(ExchangeError):
    """Too little of the cycle was left, or the process stops: this says nothing about the exchange."""

    outcome = PairOutcome.TIMEOUT


class ExchangeUnavailableError(ExchangeError):
    """The host cannot be reached, broke the connection or answered with an error of its own."""

    outcome = PairOutcome.UNAVAILABLE
    is_outage = True
    is_host_fault = True


class MalformedAnswerError(ExchangeError):
    """The answer is not what the exchange's documentation promises, or far too large."""

    outcome = PairOutcome.MALFORMED
    is_outage = True
    is_host_fault = True
    is_bad_answer = True


class NoTickersError(ExchangeError):
    """A list came, as during a maintenance, but with none of the tickers that were asked for."""

    outcome = PairOutcome.MISSING_IN_ANSWER
    is_host_fault = True
    is_bad_answer = True


class BlockedError(ExchangeError):
    """The host refuses this address: 403 from its firewall, 451 for its location."""

    outcome = PairOutcome.BLOCKED
    is_host_fault = True


class RefusedSymbolsError(ExchangeError):
    """At least one symbol is unknown; the exchange does not say which."""

    outcome = PairOutcome.UNKNOWN_SYMBOL
    is_bad_answer = True
    is_refusal = True


class RefusedRequestError(ExchangeError):
    """The exchange understood the request and did not like it, for another reason than a symbol."""

    outcome = PairOutcome.UNAVAILABLE
    is_outage = True
    is_bad_answer = True
    is_refusal = True


class RateLimitedError(ExchangeError):
    """Too much request weight: no request before `retry_after_seconds` have passed."""

    outcome = PairOutcome.RATE_LIMITED

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class BannedError(RateLimitedError):
    """This address is banned: no request to any host of the exchange until the ban ends."""

    outcome = PairOutcome.BANNED


class CircuitOpenError(RateLimitedError):
    """The exchange failed too often; the circuit breaker lets nothing through for now."""

    outcome = PairOutcome.CIRCUIT_OPEN
