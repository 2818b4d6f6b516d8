"""The error answers of Binance, from the error code list of its public API documentation."""

from enum import Enum

from exchange_simulator.answers import Answer, RequestRefusedError


class ErrorCode(Enum):
    """Code and message; `{name}` and `{range}` are filled in for the parameter at fault."""

    TOO_MANY_PARAMETERS = (-1101, "Duplicate values for parameter '{name}' detected.")
    ILLEGAL_CHARACTERS = (
        -1100,
        "Illegal characters found in parameter '{name}'; legal range is '{range}'.",
    )
    MISSING_PARAMETER = (
        -1102,
        "Mandatory parameter '{name}' was not sent, was empty/null, or malformed.",
    )
    UNREAD_PARAMETERS = (
        -1104,
        "Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.",
    )
    EMPTY_PARAMETER = (-1105, "Parameter '{name}' was empty.")
    INVALID_INTERVAL = (-1120, "Invalid interval.")
    INVALID_SYMBOL = (-1121, "Invalid symbol.")
    INVALID_STATUS = (-1122, "Invalid symbolStatus.")
    BAD_COMBINATION = (-1128, "Combination of optional parameters invalid.")
    INVALID_TICKER_TYPE = (-1139, "Invalid ticker type.")
    SYMBOL_REPEATED = (-1151, "Symbol is present multiple times in the list.")
    STATUS_MISMATCH = (-1220, "The symbol's status does not match the requested symbolStatus.")


def refused(error: ErrorCode, **details: object) -> RequestRefusedError:
    """Make the error that is answered with 400 and a code."""
    code, message = error.value
    return RequestRefusedError(error_answer(400, code, message.format(**details)))


def error_answer(status: int, code: int, message: str) -> Answer:
    return Answer(status, {"code": code, "msg": message})


def rate_limited(limit: int, retry_after: str | None) -> Answer:
    text = f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE."
    return error_answer(429, -1003, text).with_retry_after(retry_after)


def banned(until_ms: int, retry_after: str | None) -> Answer:
    text = f"Way too much request weight used; IP banned until {until_ms}."
    return error_answer(418, -1003, text).with_retry_after(retry_after)
