"""What came of a pair in a refresh cycle. Pure."""

from enum import StrEnum


class PairOutcome(StrEnum):
    """How a refresh cycle ended for one pair."""

    OK = "ok"
    UNKNOWN_SYMBOL = "unknown_symbol"
    NOT_TRADING = "not_trading"
    MISSING_IN_ANSWER = "missing_in_answer"
    REJECTED = "rejected"
    RATE_LIMITED = "rate_limited"
    BANNED = "banned"
    BLOCKED = "blocked"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    MALFORMED = "malformed"
    INCOMPLETE = "incomplete"
    """The change in 24 h is not known yet."""
    CIRCUIT_OPEN = "circuit_open"
