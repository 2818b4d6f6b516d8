"""The error answers of the exchange, from the error code list of its public API documentation."""

from enum import Enum


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
    INVALID_SYMBOL = (-1121, "Invalid symbol.")
    INVALID_STATUS = (-1122, "Invalid symbolStatus.")
    BAD_COMBINATION = (-1128, "Combination of optional parameters invalid.")
    INVALID_TICKER_TYPE = (-1139, "Invalid ticker type.")
    SYMBOL_REPEATED = (-1151, "Symbol is present multiple times in the list.")
    STATUS_MISMATCH = (-1220, "The symbol's status does not match the requested symbolStatus.")


class RequestRefusedError(Exception):
    """The exchange answers 400 with a code of its own."""

    status = 400

    def __init__(self, error: ErrorCode, **details: object) -> None:
        self.code, message = error.value
        self.message = message.format(**details)
        super().__init__(self.message)
